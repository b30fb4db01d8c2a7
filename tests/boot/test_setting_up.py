"""Stamps, broken locks, interrupted and simultaneous set-ups; all with fakes."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from crm.bootstrap import catalogs, environment, setup, stamps, streams, vendor
from crm.bootstrap.say import Stop
from tests.boot.conftest import set_up
from tests.boot.test_checks import run_bootstrap


def left_behind(root: Path) -> list[str]:
    return sorted(
        path.name
        for folder in (root, root / "static")
        for path in folder.glob("*")
        if path.name.startswith((".venv", ".crm", "vendor"))
    )


def names(root: Path, *, dev: bool = False) -> list[str]:
    return [english for _, english, _ in setup.steps(root, dev=dev)]


def test_a_bare_clone_needs_every_step(project: Path) -> None:
    (project / "crm/translations/en/LC_MESSAGES").mkdir(parents=True)
    (project / "crm/translations/en/LC_MESSAGES/messages.po").write_text("", encoding="utf-8")
    assert [name.split()[0] for name in names(project)] == ["Checking", "Making", "Front-end", "Compiling"]


def test_after_set_up_nothing_is_left_to_do(project: Path, fake_npm: list[str]) -> None:
    set_up(project, fake_npm)
    assert names(project) == []


@pytest.mark.parametrize(
    ("changed", "step"),
    [
        ("requirements.txt", "Making"),
        ("package-lock.json", "Front-end"),
        ("templates/page.html", "Drawing"),
    ],
)
def test_a_change_redoes_its_own_step(project: Path, fake_npm: list[str], changed: str, step: str) -> None:
    set_up(project, fake_npm)
    with (project / changed).open("a", encoding="utf-8") as file:
        file.write('\n# {{ icon("plus") }}\n')
    assert any(name.startswith(step) for name in names(project))


def test_another_python_rebuilds_the_environment(
    project: Path, fake_npm: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(project, fake_npm)
    monkeypatch.setattr(stamps, "python_tag", lambda: "cpython-3.99-linux")
    assert any(name.startswith("Making") for name in names(project))


def test_the_tests_add_the_development_packages_only(project: Path, fake_npm: list[str]) -> None:
    set_up(project, fake_npm)
    assert names(project, dev=True) == ["Installing the test packages"]


@pytest.mark.parametrize("text", ["", "[]", "{broken", '{"runtime": "other"}'])
def test_a_broken_stamp_is_no_stamp(project: Path, fake_npm: list[str], text: str) -> None:
    set_up(project, fake_npm)
    environment.stamp_path(project).write_text(text, encoding="utf-8")
    assert not environment.is_fresh(project, dev=False)


def test_line_endings_do_not_change_a_stamp(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x\r\ny\r\n")
    (tmp_path / "b").write_bytes(b"x\ny\n")
    (tmp_path / "c").write_bytes(b"x\nz\n")
    a, b, c = (stamps.digest([tmp_path / name]) for name in "abc")
    assert a == b != c


def test_a_lock_whose_hash_is_wrong_is_said_and_leaves_nothing(project: Path) -> None:
    wheel = project.parent / "tiny-1.0-py3-none-any.whl"
    write_wheel(wheel)
    (project / "requirements.txt").write_text(f"tiny==1.0 --hash=sha256:{'0' * 64}\n", encoding="utf-8")
    done = run_bootstrap(project, ["firms"], PIP_NO_INDEX="1", PIP_FIND_LINKS=str(wheel.parent))
    assert done.returncode == 1, done.stderr
    assert "requirements*.txt" in done.stderr
    assert "git checkout" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert left_behind(project) == []


def test_a_failed_set_up_keeps_the_environment_that_worked(project: Path, fake_npm: list[str]) -> None:
    set_up(project, fake_npm)
    before = environment.stamp_path(project).read_text(encoding="utf-8")
    (project / "requirements.txt").write_text("nothing like a lock !!\n", encoding="utf-8")
    done = run_bootstrap(project, ["firms"], PIP_NO_INDEX="1")
    assert done.returncode == 1
    assert environment.stamp_path(project).read_text(encoding="utf-8") == before
    assert left_behind(project) == [".venv", "vendor"]


def write_wheel(path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("tiny.py", "")
        wheel.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        wheel.writestr(
            "tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr("tiny-1.0.dist-info/RECORD", "")


def test_missing_files_of_a_package_are_said_and_leave_nothing(project: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.py"
    empty.write_text("", encoding="utf-8")
    with pytest.raises(Stop, match="package-lock"):
        vendor.fill(project, [sys.executable, str(empty)])
    assert left_behind(project) == []


def test_npm_failing_keeps_the_old_vendor_folder(project: Path, fake_npm: list[str], tmp_path: Path) -> None:
    vendor.fill(project, fake_npm)
    failing = tmp_path / "failing.py"
    failing.write_text("import sys; sys.exit('npm ERR! code ENOTFOUND')", encoding="utf-8")
    with pytest.raises(Stop, match="连不上"):
        vendor.fill(project, [sys.executable, str(failing)])
    assert (project / "static/vendor/htmx.min.js").is_file()
    assert left_behind(project) == [".venv", "vendor"]


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "requirements"),
        ("npm ERR! code EINTEGRITY", "requirements"),
        ("OSError: [Errno 28] No space left on device", "磁盘已满"),
        ("Failed to establish a new connection: [Errno -3] Temporary failure in name resolution", "连不上"),
        ("ERROR: Could not find a version that satisfies flask (from versions: none)", "连不上"),
        ("ERROR: something else entirely", "something else entirely"),
        ("", "?"),
    ],
)
def test_what_pip_says_becomes_a_sentence(said: str, word: str) -> None:
    assert word in streams.diagnose(said, "pip", Path("/x")).chinese


def test_leftovers_of_a_killed_set_up_are_cleared(project: Path, fake_npm: list[str]) -> None:
    for name in (".crm-vendor-77/node_modules", "static/vendor.new/licenses", "static/vendor.old"):
        (project / name).mkdir(parents=True)
    set_up(project, fake_npm)
    assert left_behind(project) == [".venv", "vendor"]
    assert names(project) == []


def test_console_scripts_name_the_folder_they_end_up_in(tmp_path: Path) -> None:
    fresh, final = tmp_path / ".venv.new", tmp_path / ".venv"
    folder = environment.executable(fresh).parent
    folder.mkdir(parents=True)
    (folder / "tool").write_text(f"#!{fresh}/bin/python\n", encoding="utf-8")
    (fresh / "pyvenv.cfg").write_text(f"command = venv {fresh}\n", encoding="utf-8")
    environment._move_scripts(fresh, final)
    assert (folder / "tool").read_text(encoding="utf-8") == f"#!{final}/bin/python\n"
    assert ".new" not in (fresh / "pyvenv.cfg").read_text(encoding="utf-8")


def test_two_starts_at_once_take_turns(project: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(project)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path.cwd(),
    )
    assert holder.stdin and holder.stdout
    assert holder.stdout.readline().strip() == b"held"
    order: list[str] = []

    def wait() -> None:
        with stamps.alone(project):
            order.append("second")

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.3)
    order.append("first still works")
    holder.kill()  # the lock goes with its process, however it ends
    holder.communicate()
    waiting.join(10)
    assert order == ["first still works", "second"]
    assert left_behind(project) == []


HOLD = """
import sys
from pathlib import Path
from crm.bootstrap import stamps
with stamps.alone(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_sprite_holds_just_the_icons_in_use(project: Path, fake_npm: list[str]) -> None:
    (project / "static").mkdir()
    (project / "static/icons.txt").write_text("plus # the button\nno-such-icon\n", encoding="utf-8")
    vendor.fill(project, fake_npm)
    text = (project / "static/vendor/icons.svg").read_text(encoding="utf-8")
    assert text.count("<symbol") == 2
    assert '<symbol id="home" viewBox="0 0 24 24"' in text
    assert 'data-unknown="no-such-icon"' in text
    assert vendor.used_icons(project) == vendor.drawn_icons(project) == {"home", "plus", "no-such-icon"}


def test_source_maps_are_not_asked_for(project: Path, fake_npm: list[str]) -> None:
    vendor.fill(project, fake_npm)
    assert "sourceMappingURL" not in (project / "static/vendor/htmx.min.js").read_text(encoding="utf-8")


def test_the_catalogue_is_compiled_once_and_again_when_it_changes(project: Path) -> None:
    folder = project / "crm/translations/en/LC_MESSAGES"
    folder.mkdir(parents=True)
    (project / ".venv").mkdir()
    po = folder / "messages.po"
    po.write_text(PO, encoding="utf-8")
    assert not catalogs.is_fresh(project)
    assert catalogs.compile_all(project) == 0
    assert catalogs.is_fresh(project)
    assert b"Firms" in (folder / "messages.mo").read_bytes()
    po.write_text(PO.replace("Firms", "Companies"), encoding="utf-8")
    assert not catalogs.is_fresh(project)


def test_a_catalogue_that_cannot_be_read_is_named(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = project / "crm/translations/en/LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "messages.po").write_text('msgid "企业"\noops', encoding="utf-8")
    assert catalogs.compile_all(project) == 1
    assert "messages.po" in capsys.readouterr().err
    assert not (folder / "messages.mo").exists()


PO = """
msgid ""
msgstr "Content-Type: text/plain; charset=utf-8\\n"

msgid "企业"
msgstr "Firms"
"""


def test_set_up_talks_on_standard_error_only(project: Path, fake_npm: list[str]) -> None:
    """A command's standard output stays pure JSON even on the start that sets up."""
    set_up(project, fake_npm)
    (project / "crm/cli.py").write_text(
        "import json, sys\ndef main(argv):\n    print(json.dumps(argv)); print('talk', file=sys.stderr); return 3\n",
        encoding="utf-8",
    )
    with (project / "templates/page.html").open("a", encoding="utf-8") as file:
        file.write('{{ icon("plus") }}')
    done = run_bootstrap(project, ["firms", "search", "正泰", "--json"])
    assert json.loads(done.stdout) == ["firms", "search", "正泰", "--json"]
    assert "图标" in done.stderr
    assert done.returncode == 3


def test_an_error_in_a_command_is_a_sentence(project: Path, fake_npm: list[str]) -> None:
    set_up(project, fake_npm)
    (project / "crm/core").mkdir()
    (project / "crm/core/words.py").write_text("class Refused(Exception): pass\n", encoding="utf-8")
    (project / "crm/cli.py").write_text("def main(argv):\n    raise ValueError('odd')\n", encoding="utf-8")
    done = run_bootstrap(project, ["firms"])
    assert done.returncode == 1
    assert "odd" in done.stderr
    assert "Traceback" not in done.stderr
