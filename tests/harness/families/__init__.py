"""One file a site of the mask: its arrays, its probe, its plan."""
