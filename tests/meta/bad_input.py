"""Bad and odd input to the command line, each with the exit codes that are right for it.

`Q` stands for a quick run over one clause. A file's text may be None for a folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CHECK = "dropspec check"
DROPOUT = "from torch.nn import Dropout\n"
CLAIMS = "import torch\nclass L(torch.nn.Dropout):\n    claims = {}\n"
WRONG = (
    "import torch\nclass W(torch.nn.Dropout):\n    def forward(self, x):\n"
    "        return super().forward(x) * (1 - self.p)\n"
)
KNOWN = f"{CHECK} torch.nn:Dropout Q --known k.toml"
ENTRY = "[[known]]\nclause='edge-1'\nreason='x'\n"


@dataclass(frozen=True)
class Input:
    """A command in a shell, the files beside it, and the exit codes that are right."""

    command: str
    codes: tuple[int, ...] = (2,)
    files: Mapping[str, str | bytes | None] = field(default_factory=dict)
    is_quick: bool = False  # so quick that it is always run


def of(target: str, *codes: int, **also: object) -> Input:
    """A run over a target."""
    return Input(f"{CHECK} {target} Q", codes or (2,), **also)  # type: ignore[arg-type]


def module(text: str | bytes, *codes: int, attribute: str = "Dropout") -> Input:
    """A run over a file."""
    return of(f"m.py:{attribute}", *codes, files={"m.py": text})


def option(text: str, *codes: int, quick: bool = False) -> Input:
    """A run with other options."""
    return Input(f"{CHECK} torch.nn:Dropout {text}", codes or (2,), is_quick=quick)


def known(text: str | bytes, *codes: int) -> Input:
    """A run with a file of declared failures."""
    return Input(KNOWN, codes or (2,), {"k.toml": text})


TARGETS = {
    "no target": Input(CHECK, is_quick=True),
    "empty target": of("''"),
    "no colon": of("torch.nn.Dropout"),
    "only colon": of(":"),
    "no attribute": of("torch.nn:"),
    "missing module": of("nosuch.mod:Layer"),
    "missing file": of("nosuch.py:Layer"),
    "directory .py": of("dir.py:Layer", files={"dir.py": None}),
    "file without .py": of("layers.txt:Layer", files={"layers.txt": DROPOUT}),
    "syntax error": module("def f(:\n"),
    "BOM": module(b"\xef\xbb\xbf" + DROPOUT.encode(), 0),
    "CRLF": module(b"from torch.nn import Dropout\r\n", 0),
    "non-UTF8 file": module(b"# caf\xe9\n" + DROPOUT.encode()),
    "NUL in file": module(b"x = 1\x00\n"),
    "empty file": module(""),
    "name missing": of("torch.nn:Dropot"),
    "dotted name": of("torch:nn.Dropout", 0),
    "dotted name missing": of("torch:nn.Nope.Dropout"),
    "space and unicode in path": of(
        "'my läyers é.py:Dropout'", 0, files={"my läyers é.py": DROPOUT}
    ),
    "relative up": of("../x/m.py:Dropout"),
    "duplicate labels": of("a=torch.nn:Dropout a=torch.nn:Dropout"),
    "same target twice": of("torch.nn:Dropout torch.nn:Dropout"),
    "empty label": of("=torch.nn:Dropout"),
    "label with =": of("a=b=torch.nn:Dropout"),
    "label with newline": of("$'a\\n::error::x=torch.nn:Dropout'", 0, 2),
    "label with ANSI": of("$'\\x1b[31mred\\x1b[0m=torch.nn:Dropout'", 0, 2),
    "label with rich markup": of("'[bold]x[/]=torch.nn:Dropout'", 0),
    "label with ::": of("a::b=torch.nn:Dropout", 0),
    "label with surrogate": of("$'caf\\xe9=torch.nn:Dropout'", 0, 2),
    "label with brackets": of("'a[1]-b=torch.nn:Dropout'", 0),
    "label with NUL-like": of("'a\\0b=torch.nn:Dropout'", 0),
    "label of 5000 signs": of(f"{'a' * 5000}=torch.nn:Dropout", 0, 2),
    "target beginning with -": Input(f"{CHECK} Q -- -x=torch.nn:Dropout", (0, 2)),
    "300 targets": of(" ".join(f"t{n}=torch.nn:Dropout" for n in range(300)), 0),
    "module, no layer": of("torch:nn"),
    "a number": of("math:pi"),
    "an instance": module("import torch\nlayer = torch.nn.ReLU()\n", attribute="layer"),
    "--call that is no Python": of("torch.nn:Dropout --call 'f('"),
    "--call of a name that is not there": of("torch.nn:Dropout --call 'f(x, rate)'"),
    "--build without a rate": of("torch.nn:Dropout --build 'Dropout()'"),
    "--build of a number": of("torch.nn:Dropout --build 'rate'"),
    "class of two ints": of("torch.nn:Bilinear"),
    "function without arguments": module("def f(): pass\n", attribute="f"),
    "builtin": of("builtins:print"),
    "attribute that raises": module(
        "class M:\n    @property\n    def x(self): raise RuntimeError('no')\nL = M()\n",
        attribute="L.x",
    ),
    "module __getattr__ raises": module(
        "def __getattr__(n): raise ValueError('no ' + n)\n", attribute="Layer"
    ),
    "claims is a number": module(CLAIMS.replace("{}", "3"), attribute="L"),
    "claims unknown key": module(CLAIMS.replace("{}", "{'nosuch': 1}"), attribute="L"),
    "claims wrong dtype": module(CLAIMS.replace("{}", "{'dtypes': ['int8']}"), attribute="L"),
    "target with / and no .py": of("pkg/layers:Dropout", files={"pkg/layers.py": DROPOUT}),
    "windows path": of("'C:\\x\\m.py:Dropout'"),
    "one bad, one good": of("nosuch:X torch.nn:Dropout"),
    "refuses everything": module("def f(x, rate): raise ValueError('no')\n", attribute="f"),
}
OUTPUTS = {
    "unwritable folder": option("Q --json /proc/x.json", quick=True),
    "directory": option("Q --json .", quick=True),
    "no folder": option("Q --json no/such/r.json", quick=True),
    "/dev/full": option("Q --json /dev/full"),
    "/dev/null": option("Q --json /dev/null", 0),
    "/dev/stdout": option("Q --json /dev/stdout", 0),
    "-": option("Q --json -", 0, 2),
    "symlink": Input(
        f"ln -s real.json l.json; {CHECK} torch.nn:Dropout Q --json l.json; c=$?;"
        " test -L l.json && grep -q complete real.json && exit $c",
        (0,),
        {"real.json": "old"},
    ),
    "dangling symlink": Input(
        f"ln -s nowhere.json d.json; {CHECK} torch.nn:Dropout Q --json d.json", (0, 2)
    ),
    "symlink loop": Input(
        f"ln -s loop.json loop.json; {CHECK} torch.nn:Dropout Q --json loop.json", is_quick=True
    ),
    "read-only": option("Q --json /sys/kernel/mm/x.json", quick=True),
    "no name": option("Q --json ''", 0, 2),
    "name of 300 signs": option(f"Q --json {'x' * 300}", quick=True),
    "surrogate path": option("Q --json $'r\\xff.json'", 0, 2),
    "stdout /dev/full": option("Q > /dev/full", 1, 2, 120),
    "head -1": Input(
        f"{CHECK} torch.nn:Dropout Q --json r.json | head -1; c=${{PIPESTATUS[0]}};"
        " grep -q complete r.json && exit $c",
        (0,),
    ),
    "true": Input(
        f"{CHECK} torch.nn:Dropout Q --json r.json | true; c=${{PIPESTATUS[0]}};"
        " grep -q complete r.json && exit $c",
        (0,),
    ),
    "stdout closed": option("Q >&-", 0, 2),
    "stderr closed": option("Q 2>&-", 0, 2),
    "all closed": option("Q <&- >&- 2>&-", 0, 2),
    "an old report and a bad run": Input(
        f"echo old > r.json; {CHECK} nosuch:X Q --json r.json; c=$?; grep -q old r.json && exit 9;"
        " exit $c"
    ),
}
DECLARED = {
    "missing file": option("Q --known no.toml", quick=True),
    "directory": option("Q --known .", quick=True),
    "no TOML": known("[[known\n"),
    "single brackets": known("[known]\nclause='edge-1'\nreason='x'\n"),
    "no clause": known("[[known]]\nreason='x'\n"),
    "no reason": known("[[known]]\nclause='edge-1'\n"),
    "blank reason": known("[[known]]\nclause='edge-1'\nreason='   '\n"),
    "unknown clause": known("[[known]]\nclause='edge-99'\nreason='x'\n"),
    "unknown key": known(f"{ENTRY}who='me'\n"),
    "number": known("[[known]]\nclause=1\nreason='x'\n"),
    "list of numbers": known("known=[1,2]\n"),
    "other table": known("[other]\nx=1\n"),
    "twice": known(ENTRY + ENTRY),
    "binary": known(b"\xff\xfe\x00"),
    "BOM": known(b"\xef\xbb\xbf" + ENTRY.replace("edge-1", "edge-7").encode(), 0, 2),
    "unknown target": known(f"{ENTRY.replace('edge-1', 'edge-7')}target='nobody:N'\n", 0, 2),
    "empty file": known("", 0),
    "stale": known(ENTRY, 1),
    "upper case clause": known(ENTRY.replace("edge-1", "EDGE-7"), 0, 2),
    "deep nesting": known(f"x={'[' * 5000}"),
    "fifo": Input(f"mkfifo fifo; {CHECK} torch.nn:Dropout Q --known fifo", is_quick=True),
}
NUMBERS = {
    **{
        f"seed {seed!r}": option(f"Q '--seed={seed}'", 0, 2)
        for seed in ("-1", "9" * 23, "x", "1.5", "", "0x10", " 7 ", "１２")
    },
    **{
        f"timeout {time}": option(f"Q --timeout={time}", quick=True)
        for time in ("0", "nan", "-1", "inf", "x", "1e-9", "1e300", "1e10")
    },
    **{f"-n {n}": option(f"Q -n {n}", quick=True) for n in ("0", "-3", "x", "1.5", "100000")},
    "import-timeout nan": option("Q --import-timeout nan", quick=True),
    "-n 8": option("Q -n 8", 0),
    "unknown clause": option("--clause edge-99", quick=True),
    "unknown chapter": option("--clause edgy", quick=True),
    "empty clause": option("--clause ''", quick=True),
    "clause of other family": option("--clause backprop-1 --profile quick"),
    "family dropconnect for dropout": option("--family dropconnect Q"),
    "unknown family": option("--family x Q", quick=True),
    "unknown profile": option("--profile fast", quick=True),
    "unknown command": Input("dropspec chek torch.nn:Dropout", is_quick=True),
    "no command": Input("dropspec", is_quick=True),
    "power unknown clause": Input("dropspec power --clause x-9", is_quick=True),
    "power unknown family": Input("dropspec power --family x", is_quick=True),
    "power conflicting": Input("dropspec power --family dropconnect --clause edge-1", (0, 2)),
    "power target given": Input("dropspec power torch.nn:Dropout", is_quick=True),
    "power | head -1": Input(
        "dropspec power --clause edge-1 | head -1; exit ${PIPESTATUS[0]}", (0,)
    ),
    "abbreviated option": option("--prof quick --clause edge-1", 0, 2),
}


def under(before: str, *codes: int, files: Mapping[str, str | bytes | None] = {}) -> Input:
    """A run after some words of a shell."""
    return Input(f"{before} {CHECK} torch.nn:Dropout Q", codes or (0,), files)


SHADOW = "raise RuntimeError('shadow')\n"
BROKEN_INI = {"pytest.ini": "[pytest\n", "setup.cfg": "[tool:pytest]\naddopts=--foo\n"}
ENVIRONMENTS = {
    "HOME unset": under("env -u HOME"),
    "TMPDIR missing": under("TMPDIR=/no/such/dir"),
    "TMPDIR a file": under("TMPDIR=m.txt", files={"m.txt": "x"}),
    "TMPDIR full": under("TMPDIR=/dev/full", 0, 2),
    "TMPDIR odd": under("TMPDIR=$PWD/'té mp'", files={"té mp": None}),
    "TMPDIR long": under(f"mkdir -p {'d' * 90}/t; TMPDIR=$PWD/{'d' * 90}/t"),
    "TERM dumb": under("TERM=dumb"),
    "LANG=C": under("LANG=C LC_ALL=C"),
    "ASCII": under("LANG=C LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 PYTHONIOENCODING=ascii"),
    "latin-1": Input(f"PYTHONIOENCODING=latin-1 {CHECK} é–☃=torch.nn:Dropout Q", (0,)),
    "hash seed": under("PYTHONHASHSEED=7"),
    "-O": under("PYTHONOPTIMIZE=1", 0, 2),
    "-O, wrong": Input(
        f"PYTHONOPTIMIZE=2 {CHECK} m.py:W --profile quick --clause scale-1", (1, 2), {"m.py": WRONG}
    ),
    "-W error": under("PYTHONWARNINGS=error"),
    "no bytecode": under("PYTHONDONTWRITEBYTECODE=1"),
    "safe path": Input(f"PYTHONSAFEPATH=1 {CHECK} m:Dropout Q", (0,), {"m.py": DROPOUT}),
    "PYTEST_ADDOPTS": under("PYTEST_ADDOPTS='--foo -n 3'"),
    "PYTEST_PLUGINS": under("PYTEST_PLUGINS=nosuch", 0, 2),
    "a torch.py": under("", 0, 2, files={"torch.py": SHADOW}),
    "a json.py and a random.py": under("", 0, 2, files={"json.py": SHADOW, "random.py": SHADOW}),
    "a broken pytest.ini": under("", files=BROKEN_INI),
    "a dropspec.py": under("", files={"dropspec.py": SHADOW}),
    "a read-only folder": under("chmod 555 .;"),
    "a removed folder": under("mkdir gone; cd gone; rmdir ../gone;", 0, 2),
    "COLUMNS=20": under("COLUMNS=20"),
    "COLUMNS=x": under("COLUMNS=x"),
    "python -m dropspec": Input("python -m dropspec --version", (0,), is_quick=True),
    "ulimit -n 16": under("ulimit -n 16;", 0, 2),
    "ulimit -v": under("ulimit -v 1000000;", 0, 2),
    "OMP_NUM_THREADS=x": under("OMP_NUM_THREADS=x", 0, 2),
    "OMP_NUM_THREADS=2": under("OMP_NUM_THREADS=2"),
    "a target named conftest.py": Input(
        f"{CHECK} conftest.py:Dropout Q", (0,), {"conftest.py": DROPOUT}
    ),
    "a target named torch.py": Input(
        f"{CHECK} torch.py:Dropout Q",
        (0, 1, 2),
        {"torch.py": "import numpy as np\ndef Dropout(x, rate):\n    return x\n"},
    ),
}
EVERY = {
    f"{table}: {name}": one
    for table, found in (
        ("target", TARGETS),
        ("output", OUTPUTS),
        ("known", DECLARED),
        ("number", NUMBERS),
        ("environment", ENVIRONMENTS),
    )
    for name, one in found.items()
}
