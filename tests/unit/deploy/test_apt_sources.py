"""Reading apt's sources: which mirror the private root takes its packages from."""

from pathlib import Path

import pytest

from deploy.local.apt import (
    Source,
    choose_debian_mirror,
    choose_security_archive,
    configuration,
    download_share,
    machine_sources,
    parse_deb822,
    parse_one_line,
    simulated,
    source_lines,
)
from deploy.local.errors import PackageSourceMissing

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


def test_our_lines_name_the_suite_with_its_updates_and_security_and_keep_the_machine_s_keyrings() -> None:
    assert source_lines(parse_deb822(DEB822)) == (
        f"deb [signed-by={KEYRING}] http://mirror.example/debian trixie main\n"
        f"deb [signed-by={KEYRING}] http://mirror.example/debian trixie-updates main\n"
        f"deb [signed-by={KEYRING}] http://mirror.example/debian-security trixie-security main\n"
    )


def test_a_machine_without_updates_and_security_gets_the_suite_alone() -> None:
    assert source_lines([Source("http://m.example/debian", ("bookworm",), ("main",), "/k.gpg")]) == (
        "deb [signed-by=/k.gpg] http://m.example/debian trixie main\n"
    )
    assert f"signed-by={KEYRING}" in source_lines([Source("http://m.example/debian", ("bookworm",), ("main",), None)])
    with pytest.raises(PackageSourceMissing):
        source_lines([])


def test_updates_of_a_stanza_of_their_own_count_and_those_of_another_mirror_do_not() -> None:
    main = Source("http://m.example/debian", ("bookworm",), ("main",), KEYRING)
    own = Source("http://m.example/debian", ("bookworm-updates",), ("main",), KEYRING)
    other = Source("http://other.example/node", ("stable-updates",), ("main",), None)
    assert "trixie-updates" in source_lines([main, own])
    assert "trixie-updates" not in source_lines([main, other])


def test_the_security_archive_is_known_by_its_suite_wherever_it_is() -> None:
    by_name = Source("http://proxy.example/apt/sec", ("bookworm-security",), ("main",), KEYRING)
    by_old_name = Source("http://security.example/debian-security", ("buster/updates",), ("main",), None)
    foreign = Source("http://packages.example/node", ("node-security",), ("main",), "/usr/share/keyrings/node.gpg")
    backports = Source("http://m.example/debian", ("bookworm-backports",), ("main",), KEYRING)
    assert choose_security_archive([foreign, backports, by_name]) == by_name
    assert choose_security_archive([by_old_name]) == by_old_name
    assert choose_security_archive([foreign, backports]) is None


def test_versions_are_read_from_apt_s_simulation() -> None:
    assert simulated(
        [
            "Reading package lists...",
            "Inst libssl3t64 (3.5.9-1~deb13u1 Debian:13/stable, Debian-Security:13/stable-security [amd64]) []",
            "Inst mosquitto [2.0.20-1] (2.0.21-1 Debian:13/stable [amd64])",
            "Conf mosquitto (2.0.21-1 Debian:13/stable [amd64])",
        ]
    ) == {"libssl3t64": "3.5.9-1~deb13u1", "mosquitto": "2.0.21-1"}


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
