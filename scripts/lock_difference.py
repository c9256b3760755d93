"""Report packages of this environment whose versions differ from a lock file.

python scripts/lock_difference.py constraints.txt
"""

from __future__ import annotations

import sys
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version


def locked(lines: list[str]) -> dict[str, Version]:
    """Locked version of each package for this Python and system."""
    versions: dict[str, Version] = {}
    for line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate():
            (specifier,) = requirement.specifier
            versions[canonicalize_name(requirement.name)] = Version(specifier.version)
    return versions


def differences(lock: dict[str, Version], installed: dict[str, str]) -> list[str]:
    """Lines on packages that are locked in another version, or not locked."""
    lines = []
    for name, version in sorted(installed.items()):
        if name not in lock:
            lines.append(f"  {name} {version}, not locked")
        elif lock[name] != Version(version):
            lines.append(f"  {name} {version}, locked {lock[name]}")
    return lines


def main() -> None:
    """Print the differences."""
    lock = locked(Path(sys.argv[1]).read_text(encoding="utf-8").splitlines())
    installed = {canonicalize_name(package.name): package.version for package in distributions()}
    ours = {
        str(name): version for name, version in installed.items() if name not in {"audiosearch", "pip", "setuptools"}
    }
    lines = differences(lock, ours)
    print("\n".join(lines) if lines else "All versions are as locked.")


if __name__ == "__main__":
    main()
