"""Reading apt's sources: which mirror the private root takes its packages from."""

from pathlib import Path

from deploy.local.apt import (
    Source,
    choose_debian_mirror,
    configuration,
    download_share,
    machine_sources,
    parse_deb822,
    parse_one_line,
    source_line,
)

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
DEB822 = f"""
Types: deb
# a comment between fields
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: {KEYRING}

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By: {KEYRING}

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: bookworm
Components: main
"""


def test_deb822_stanzas_are_read_and_a_disabled_one_is_not() -> None:
    assert parse_deb822(DEB822) == [
        Source("http://mirror.example/debian", ("bookworm", "bookworm-updates"), ("main",), KEYRING),
        Source("http://mirror.example/debian-security", ("bookworm-security",), ("main",), KEYRING),
    ]


def test_an_inline_key_is_not_taken_for_a_keyring_file() -> None:
    fields = "Types: deb deb-src\nURIs: http://m.example/debian\nSuites: sid\nComponents: main\nSigned-By:\n"
    assert parse_deb822(f"{fields} -----BEGIN PGP") == [Source("http://m.example/debian", ("sid",), ("main",), None)]


def test_one_line_sources_with_and_without_options() -> None:
    text = f"""
# deb http://off.example/debian bookworm main
deb http://mirror.example/debian bookworm main contrib # trailing
deb [arch=amd64 signed-by={KEYRING}] http://other.example/debian trixie main
deb-src http://mirror.example/debian bookworm main
"""
    assert parse_one_line(text) == [
        Source("http://mirror.example/debian", ("bookworm",), ("main", "contrib"), None),
        Source("http://other.example/debian", ("trixie",), ("main",), KEYRING),
    ]


def test_the_main_archive_is_chosen_and_no_security_or_foreign_one() -> None:
    foreign = Source("http://packages.example/node", ("nodistro",), ("main",), "/usr/share/keyrings/node.gpg")
    security, main = parse_deb822(DEB822)[1], parse_deb822(DEB822)[0]
    assert choose_debian_mirror([foreign, security, main]) == main
    assert choose_debian_mirror([foreign, security]) is None


def test_a_private_mirror_counts_as_debian_by_its_keyring() -> None:
    mirror = Source("http://proxy.example/apt/deb", ("bookworm",), ("main",), KEYRING)
    assert choose_debian_mirror([mirror]) == mirror


def test_our_line_names_the_suite_and_keeps_the_machine_s_keyring() -> None:
    assert source_line(Source("http://m.example/debian", ("bookworm",), ("main",), "/k.gpg")) == (
        "deb [signed-by=/k.gpg] http://m.example/debian trixie main\n"
    )
    assert f"signed-by={KEYRING}" in source_line(Source("http://m.example/debian", ("bookworm",), ("main",), None))


def test_everything_that_apt_writes_is_inside_our_root() -> None:
    lines = configuration(Path("/cache/downloads")).splitlines()
    folders = [line.split('"')[1] for line in lines if line.startswith("Dir::")]
    assert folders
    assert all(folder.startswith("/cache/downloads/") for folder in folders)


def test_sources_of_both_kinds_are_found_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d/debian.sources").write_text(DEB822)
    (tmp_path / "sources.list").write_text("deb http://old.example/debian bookworm main\n")
    assert [source.uri for source in machine_sources(tmp_path)] == [
        "http://mirror.example/debian",
        "http://mirror.example/debian-security",
        "http://old.example/debian",
    ]


def test_the_download_share_is_read_from_the_status_stream() -> None:
    assert download_share("dlstatus:17:42.5:Retrieving file 17 of 151\n") == 0.425
    assert download_share("pmstatus:dpkg:1:x") is None
    assert download_share("") is None
