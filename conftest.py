"""Makes `dropspec` mean this checkout, installed or not, and loads its pytest plugin."""

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
HARNESS = ROOT / "tests" / "harness"

spec = importlib.util.find_spec("dropspec")
if spec is None or spec.origin is None:
    # dropspec.chance is tests/harness/chance/, dropspec.spec is spec/
    folders = [str(HARNESS), str(ROOT)]
    spec = importlib.util.spec_from_file_location(
        "dropspec", HARNESS / "__init__.py", submodule_search_locations=folders
    )
    assert spec is not None
    assert spec.loader is not None
    sys.modules["dropspec"] = package = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)
elif Path(spec.origin).resolve().parent != HARNESS:
    raise RuntimeError(
        f"these are the tests of {ROOT}, but dropspec is installed from elsewhere: run `pip install"
        " -e .` here first"
    )

pytest_plugins = ("dropspec.plugin",)
