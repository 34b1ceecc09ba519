"""One file or folder a framework: how arrays go in, how results and gradients come out."""
