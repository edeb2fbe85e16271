# SPDX-License-Identifier: Apache-2.0
"""What the checks share: the list of files, and how a check ends."""
import pathlib
import subprocess
import sys

GENERATED = {"build", ".git", "node_modules", "__pycache__"}


def files(*suffixes, under=("",)):
    """Files of the tree: those git tracks or would track; all, where there is no git."""
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"],
                            capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        names = listed.stdout.splitlines()
    else:
        names = [str(path) for path in pathlib.Path(".").rglob("*")
                 if not GENERATED & set(path.parts)]
    for name in sorted(names):
        path = pathlib.Path(name)
        if path.is_file() and (not suffixes or path.suffix in suffixes):
            if any(name.startswith(prefix) for prefix in under):
                yield path


def commit_count():
    """What is looked at in turns takes its turn by it."""
    counted = subprocess.run(["git", "rev-list", "--count", "HEAD"], cwd=pathlib.Path(__file__).parent,
                             capture_output=True, text=True, check=True)
    return int(counted.stdout)


def finish(check, complaints, what):
    """Prints the complaints; exits 1 when there are any."""
    for complaint in complaints:
        print(complaint)
    if complaints:
        print(f"{check}: {len(complaints)} to mend")
        sys.exit(1)
    print(f"{check}: {what}")
