"""The pure part of the one map's page, by Node's own test runner: it reads TypeScript as it is."""

from __future__ import annotations

import subprocess

from deploy.web.build import SOURCE, node


def test_pure_parts_of_the_page() -> None:
    files = sorted(str(path) for path in (SOURCE / "tests").glob("*.test.ts"))
    done = subprocess.run(
        [str(node() / "bin/node"), "--test", *files], cwd=SOURCE, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    assert "# fail 0" in done.stdout or "fail 0" in done.stdout
