"""The library: layers, versions, faults that stay their own file's, and changes that are seen."""

import os
import random
from pathlib import Path

import pytest

from domain.errors import InvalidInput
from integrations.playbooks.library import SHIPPED_PLAYBOOKS, FolderLibrary
from integrations.playbooks.versions import is_release, order_of
from tests.unit.playbooks.documents import small


def put(folder: Path, name: str, *, version: str = "1.0.0", said: str = "x", file: str | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (file or f"{name}-{version}.yaml")
    text = small(f"- a: {{set: {{said: '{said}'}}}}\n").replace("name: small", f"name: {name}")
    path.write_text(text.replace("'1.0.0'", f"'{version}'"))
    return path


@pytest.fixture
def shelves(tmp_path: Path) -> tuple[Path, Path]:
    shipped, own = tmp_path / "shipped", tmp_path / "own"
    shipped.mkdir()
    own.mkdir()
    return shipped, own


def said(library: FolderLibrary, tenant: str, name: str, version: str | None = None) -> str:
    return library.find(tenant, name, version)["do"][0]["a"]["set"]["said"]


def test_a_tenants_file_replaces_that_of_all_tenants_which_replaces_the_shipped_one(shelves):
    shipped, own = shelves
    put(shipped, "pay", said="shipped")
    put(own, "ship", said="own")
    put(own / "acme", "pay", said="acme", file="anything.yml")
    library = FolderLibrary(own, shipped)
    assert said(library, "acme", "pay") == "acme"
    assert said(library, "other", "pay") == "shipped"
    assert said(library, "other", "ship") == "own"
    assert library.names("acme") == ["pay", "ship"]


def test_another_tenants_playbooks_are_not_seen(shelves):
    shipped, own = shelves
    put(own / "acme", "secret")
    library = FolderLibrary(own, shipped)
    with pytest.raises(InvalidInput, match="has no playbook 'secret'"):
        library.find("other", "secret")
    for tenant in ("..", "../own/acme", "acme/.."):
        with pytest.raises(InvalidInput):
            FolderLibrary(own / "acme", shipped).names(tenant) and library.find(tenant, "secret")


def test_the_newest_release_is_taken_unless_a_version_is_named(shelves):
    shipped, _ = shelves
    for version in ("1.9.0", "1.10.0", "2.0.0-beta.2", "1.2.0"):
        put(shipped, "pay", version=version, said=version)
    library = FolderLibrary(None, shipped)
    assert said(library, "default", "pay") == "1.10.0"
    assert said(library, "default", "pay", "latest") == "1.10.0"
    assert said(library, "default", "pay", "2.0.0-beta.2") == "2.0.0-beta.2"
    with pytest.raises(InvalidInput, match=r"no version '3.0.0': use one of 1.2.0, 1.9.0, 1.10.0, 2.0.0-beta.2"):
        library.find("default", "pay", "3.0.0")


def test_versions_are_ordered_as_semantic_versioning_says():
    ordered = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11"]
    ordered += ["1.0.0-rc.1", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0"]
    assert sorted(random.Random(7).sample(ordered, len(ordered)), key=order_of) == ordered
    assert order_of("1.0.0+one") == order_of("1.0.0+two")
    assert order_of("") < order_of("0.0.1-a")
    assert [is_release(version) for version in ("1.0.0", "1.0.0+a-b", "1.0.0-a")] == [True, True, False]


def test_a_broken_file_takes_no_other_down_and_is_refused_with_its_place(shelves):
    shipped, own = shelves
    put(shipped, "good")
    (shipped / "bad.yaml").write_text("document: [\n")
    put(shipped, "worse").write_text(small("- a: {wait: P1M}\n- a: {wait: 1}\n").replace("small", "worse"))
    library = FolderLibrary(own, shipped)
    assert library.names("default") == ["bad", "good", "worse"]
    assert said(library, "default", "good") == "x"
    with pytest.raises(InvalidInput, match=r"Playbook bad cannot run \(.*bad.yaml:2: This is not YAML"):
        library.find("default", "bad")
    with pytest.raises(InvalidInput, match=r"worse-1.0.0.yaml:7: .*no fixed length.* and 2 more\)"):
        library.find("default", "worse")


def test_a_broken_overlay_does_not_let_the_one_below_run(shelves):
    shipped, own = shelves
    put(shipped, "pay", said="shipped")
    put(own, "pay").write_text(small("- a: {wait: P1M}\n").replace("small", "pay"))
    with pytest.raises(InvalidInput, match="cannot run"):
        FolderLibrary(own, shipped).find("default", "pay")


def test_two_files_of_one_name_and_version_are_both_refused(shelves):
    shipped, _ = shelves
    put(shipped, "pay", file="one.yaml")
    put(shipped, "pay", file="two.yaml")
    with pytest.raises(InvalidInput, match="has the same name and version"):
        FolderLibrary(None, shipped).find("default", "pay")


def test_a_changed_file_is_read_again_and_an_unchanged_one_is_not(shelves, monkeypatch):
    shipped, _ = shelves
    path = put(shipped, "pay", said="first")
    library = FolderLibrary(None, shipped)
    assert said(library, "default", "pay") == "first"
    before = library.find("default", "pay")
    assert library.find("default", "pay") is before
    put(shipped, "pay", said="second!")
    assert said(library, "default", "pay") == "second!"
    path.unlink()
    with pytest.raises(InvalidInput):
        library.find("default", "pay")
    put(shipped, "pay", said="third")
    os.utime(path, ns=(1, 1))
    assert said(library, "default", "pay") == "third"


def test_what_is_no_playbook_is_left_alone(shelves):
    shipped, own = shelves
    put(shipped, "pay")
    (shipped / "notes.txt").write_text("x")
    (shipped / ".hidden.yaml").write_text("x")
    (shipped / "folder.yaml").mkdir()
    assert FolderLibrary(own / "nowhere", shipped).names("default") == ["pay"]


def test_a_near_name_is_advised(shelves):
    shipped, _ = shelves
    put(shipped, "refund")
    with pytest.raises(InvalidInput, match='did you mean "refund"'):
        FolderLibrary(None, shipped).find("default", "refnud")


def test_a_definition_that_came_with_a_request_is_checked(shelves):
    library = FolderLibrary(None, shelves[0])
    good = {
        "document": {"dsl": "1.0.3", "namespace": "n", "name": "n", "version": "1.0.0"},
        "do": [{"a": {"wait": "PT1S"}}],
    }
    assert library.check(good) == ()
    assert library.check({**good, "do": [{"a": {"wait": "P1M"}}]}) == (
        '/do/0/a/wait: "P1M" has months or years, which have no fixed length: write days, such as P30D.',
    )
    deep: dict = {}
    for _ in range(500):
        deep = {"x": deep}
    assert "too large" in library.check({**good, "input": deep})[0]
    assert "too large" in library.check({**good, "do": [1] * 30_000})[0]


def test_every_shipped_playbook_can_run():
    for shelved in FolderLibrary().shelf("default"):
        assert shelved.errors == (), shelved.path
        assert shelved.path.parent == SHIPPED_PLAYBOOKS
