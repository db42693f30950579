"""Starting, typing, capturing and ending on a real server; each way in which 3.3a is silent or dies has its case."""

from __future__ import annotations

import os
import signal
import stat
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gcity_tui.model.errors import CityError, NotFound, Refused, RuntimeUnavailable, Usage
from gcity_tui.tmux import processes
from gcity_tui.tmux.hands import Hands, Program
from gcity_tui.tmux.protocol import line
from gcity_tui.tmux.server import HOLDER, Server

pytestmark = pytest.mark.tmux
Until = Callable[..., object]
Recorder = Callable[[str], Callable[[], bytes]]

TEXTS = {
    "one line": "Please look at src/app.py:10",
    "200 lines": "\n".join(f"line {n}: {'x' * (n % 80)}" for n in range(200)),
    "formats": "#{pane_pid} #(touch /tmp/never) ##[fg=red] #S %H:%M",
    "separators": "a ; kill-server ; b;",
    "only a semicolon": ";",
    "shell": "$(kill-server) `x` ${HOME} $HOME 'q' \"dq\" \\n \\\\ \\e",
    "leading dash": "-t =_holder: --",
    "leading tilde": "~ ~/x",
    "braces and percent": "{ } %if 1 %end 1 1 1\n%begin 1 1 1\n%end 1 1 1",
    "unicode": "日本語 é \U0001f600 \u00a0nbsp",
    "tab": "a\tb\n\tc",
    "120 KB": "".join(f"{n:06d} {chr(33 + n % 90) * 12}\n" for n in range(6000)),
}


def _pasted(text: str) -> bytes:
    return b"\x1b[200~" + text.replace("\n", "\r").encode() + b"\x1b[201~"


@pytest.mark.parametrize("name", TEXTS)
def test_a_paste_arrives_once_and_byte_for_byte(hands: Hands, recorder: Recorder, until: Until, name: str) -> None:
    sent, text = recorder("a"), TEXTS[name]
    hands.paste("a", text)
    hands.keys("a", "Enter")
    until(lambda: sent().endswith(b"\x1b[201~\r"))
    assert sent() == _pasted(text) + b"\r"
    assert hands.ask(line("list-buffers")) == []


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(st.sampled_from("ab \\\"'$~;#{}()%`\n\t\r\x1b\x01\x7fé漢\U0001f600"), min_size=1)
    | st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), min_size=1)
)
def test_tmux_reads_every_quoted_word_as_it_was(hands: Hands, tmp_path: Path, text: str) -> None:
    out = tmp_path / "buffer"
    hands.ask(line("set-buffer", "-b", "q", "--", text))
    hands.ask(line("save-buffer", "-b", "q", str(out)))
    assert out.read_bytes() == text.encode()


def test_a_megabyte(hands: Hands, recorder: Recorder, until: Until) -> None:
    sent = recorder("a")
    text = "".join(f"{n:09d}\n" for n in range(100_000))
    hands.paste("a", text)
    until(lambda: sent().endswith(b"\x1b[201~"))
    assert sent() == _pasted(text)


def test_escapes_are_taken_out_before_they_can_end_the_bracket(hands: Hands, recorder: Recorder, until: Until) -> None:
    sent = recorder("a")
    hands.paste("a", "a\x1b[201~rm -rf\r\nb\x1b]0;t\x07\x03\x04c")
    until(lambda: sent().endswith(b"\x1b[201~"))
    assert sent() == b"\x1b[200~arm -rf\rbc\x1b[201~"
    with pytest.raises(Usage):
        hands.paste("a", "\x1b[201~\x03")


def test_nothing_is_typed_into_a_dead_pane_and_the_server_lives(
    hands: Hands, server: Server, tmp_path: Path, until: Until
) -> None:
    """`paste-buffer` into a dead pane ends a 3.3a server; other verbs succeed silently there."""
    hands.start("dead", Program(["true"], tmp_path))
    hands.start("alive", Program(["cat"], tmp_path))
    until(lambda: hands.pane("dead").dead)
    for act in (lambda: hands.paste("dead", "x"), lambda: hands.keys("dead", "Enter")):
        with pytest.raises(Refused) as e:
            act()
        assert "dead" in e.value.message
    with pytest.raises(Refused):
        hands.ask("paste-buffer -t =dead:")
    assert hands.ask(line("list-buffers")) == []
    assert server.alive() and not hands.pane("alive").dead


def test_pastes_race_the_death_of_their_pane(hands: Hands, server: Server, tmp_path: Path) -> None:
    for n in range(15):
        hands.start(f"r-{n}", Program(["sleep", "0.05"], tmp_path))
    refused = set()
    for _ in range(40):
        for n in range(15):
            try:
                hands.paste(f"r-{n}", "text")
            except Refused:
                refused.add(n)
    assert len(refused) == 15 and server.alive()


def test_what_is_not_there_is_an_error(hands: Hands, tmp_path: Path) -> None:
    hands.start("abc", Program(["cat"], tmp_path))
    for name in ("nope", "ab"):  # a bare target would match `abc` by its beginning
        acts: list[Callable[[], object]] = [
            lambda n=name: hands.paste(n, "x"), lambda n=name: hands.keys(n, "Enter"), lambda n=name: hands.capture(n),
            lambda n=name: hands.pane(n), lambda n=name: hands.text(n), lambda n=name: hands.set_option(n, "@x", "1"),
            lambda n=name: hands.set_title(n, "t"), lambda n=name: hands.respawn(n, Program(["cat"], "/")),
        ]  # fmt: skip
        for act in acts:
            with pytest.raises(NotFound):
                act()
        assert hands.kill(name) == ()
    for verb in (hands.pane, hands.kill, hands.capture):
        with pytest.raises(Usage):
            verb(HOLDER)


def test_a_dead_target_does_not_stop_what_is_asked_beside_it(hands: Hands, tmp_path: Path) -> None:
    """In a chain tmux stops at the first error; lines of their own do not."""
    client = hands.client()
    with pytest.raises(NotFound):
        client.request("kill-session -t =nope ; set-option -s @after 1", blocks=2)
    gone, after = client.requests(["kill-session -t =nope", "set-option -s @beside 1"])
    assert isinstance(gone, NotFound) and after == []
    assert client.request("show-options -sv @beside") == ["1"]
    assert client.request("show-options -sqv @after") == []


def test_start_is_refused_honestly(hands: Hands, tmp_path: Path) -> None:
    row = hands.start("a", Program(["cat"], tmp_path, size=(100, 30)))
    assert row.agent and row.size == (100, 30) and row.pid > 0 and hands.pane("a") == row
    with pytest.raises(Refused):
        hands.start("a", Program(["cat"], tmp_path))
    with pytest.raises(NotFound):  # tmux would start in HOME instead
        hands.start("b", Program(["cat"], tmp_path / "none"))
    with pytest.raises(NotFound):  # tmux would show a pane that died at once
        hands.start("b", Program(["no-such-program-anywhere"], tmp_path))
    for bad in ("", "a b", "a:b", "$(x)"):
        with pytest.raises(Usage):
            hands.start(bad, Program(["cat"], tmp_path))
    with pytest.raises(NotFound):
        hands.pane("b")


def test_arguments_and_folders_reach_the_program_as_they_are(hands: Hands, tmp_path: Path, until: Until) -> None:
    folder = tmp_path / "a#{pid} ##b;$(x) ~ 'q'"
    folder.mkdir()
    words = ["a;", ";", "$HOME", "~", "#{pid}", "-x", 'q"q', "two words", "line\nbreak", "é"]
    script = "import os, sys; open('out', 'w').write(repr((os.getcwd(), sys.argv[1:])))"
    hands.start("a", Program([sys.executable, "-c", script, *words], folder))
    until(lambda: hands.pane("a").dead)
    assert (folder / "out").read_text() == repr((str(folder), words))


def test_a_single_word_is_a_program_and_not_a_shell_line(hands: Hands, tmp_path: Path) -> None:
    program = tmp_path / "touch never; sleep 100"
    program.write_text("#!/bin/sh\nexec cat\n")
    program.chmod(0o755)
    hands.start("a", Program([str(program)], tmp_path))
    assert not (tmp_path / "never").exists() and not hands.pane("a").dead


def test_secrets_reach_the_program_and_nothing_else(hands: Hands, tmp_path: Path, until: Until) -> None:
    value = "it's\n$(touch never) `x` \\ é"
    script = "import os; open('out', 'w').write(os.environ['THE_KEY']); input()"
    row = hands.start(
        "a", Program([sys.executable, "-c", script], tmp_path, env={"GC_AGENT": "rig/a;"}, secrets={"THE_KEY": value})
    )
    until(lambda: (tmp_path / "out").exists() and (tmp_path / "out").read_text())
    assert (tmp_path / "out").read_text() == value and not (tmp_path / "never").exists()
    launch = tmp_path / "launch"
    assert list(launch.iterdir()) == [] and stat.S_IMODE(launch.stat().st_mode) == 0o700
    assert b"it's" not in Path(f"/proc/{row.pid}/cmdline").read_bytes()
    seen = "\n".join(hands.ask("show-environment -t =a") + hands.ask("show-environment -g"))
    assert "THE_KEY" not in seen and "GC_AGENT=rig/a;" in seen
    with pytest.raises(Usage):
        hands.start("b", Program(["cat"], tmp_path, env={"ANTHROPIC_API_KEY": "x"}))


def test_a_launch_file_is_private_and_does_not_outlive_a_refusal(hands: Hands, tmp_path: Path) -> None:
    from gcity_tui.tmux.environment import sweep, write_launch

    hands.start("a", Program(["cat"], tmp_path))
    with pytest.raises(Refused):
        hands.start("a", Program(["cat"], tmp_path, secrets={"K": "v"}))
    assert list((tmp_path / "launch").iterdir()) == []
    left = write_launch(tmp_path / "launch", {"K": "v"})
    assert stat.S_IMODE(left.stat().st_mode) == 0o600
    assert sweep(tmp_path / "launch") == 0
    os.utime(left, (1, 1))
    assert sweep(tmp_path / "launch") == 1 and not left.exists()


def test_keys(hands: Hands, recorder: Recorder, until: Until) -> None:
    sent = recorder("a")
    hands.keys("a", "y", "-", ";", "~", "$", "#", "Escape")
    hands.keys("a", "C-c", "Up", "Tab", "BSpace", "S-F5", "M-x")
    until(lambda: sent().endswith(b"\x1bx"))
    assert sent() == b"y-;~$#\x1b\x03\x1b[A\t\x7f\x1b[15;2~\x1bx"
    for bad in ("", "Ent", "kill-server", "C-", "yy", "\n", "\x1b", "C-c;", "-X"):
        with pytest.raises(Usage):
            hands.keys("a", bad)
    with pytest.raises(Usage):
        hands.keys("a")


def test_typing_leaves_copy_mode_first(hands: Hands, recorder: Recorder, until: Until) -> None:
    """In copy mode tmux swallows keys, and pastes without brackets: each line would be submitted by itself."""
    sent = recorder("a")
    hands.ask("copy-mode -t =a:")
    assert hands.pane("a").in_mode
    hands.paste("a", "text")
    hands.keys("a", "Enter")
    until(lambda: sent().endswith(b"\r"))
    assert sent() == _pasted("text") + b"\r" and not hands.pane("a").in_mode


def test_captures_hold_line_drawing_and_only_that_comes_out(hands: Hands, tmp_path: Path, until: Until) -> None:
    art = "\033(0lqk\033(B\n\033[1;31mred\033[0m 漢字\n\033]8;;http://x\033\\\\link\033]8;;\033\\\\\nDONE"
    hands.start("a", Program(["sh", "-c", f"printf '{art}'; exec cat"], tmp_path))
    until(lambda: "DONE" in hands.text("a"))
    assert any("\x0e" in row for row in hands.capture("a")), "the raw capture has SO/SI"
    assert hands.text("a", 4) == "┌─┐\nred 漢字\nlink\nDONE"
    assert hands.look("a")[1][0][0] == "red" and hands.look("a")[1][0][1].bold
    assert len(hands.look("a")) == 40


def test_scrollback(hands: Hands, tmp_path: Path, until: Until) -> None:
    hands.start("a", Program(["sh", "-c", "seq 1 200; exec cat"], tmp_path))
    until(lambda: "200" in hands.text("a"))
    assert hands.text("a", 3) == "199\n200" or hands.text("a", 2) == "199\n200"
    assert hands.text("a", history=200).startswith("1\n2\n3\n")


def test_respawn(hands: Hands, tmp_path: Path, until: Until) -> None:
    first = hands.start("a", Program(["cat"], tmp_path))
    with pytest.raises(Refused):
        hands.respawn("a", Program(["cat"], tmp_path))
    hands.keys("a", "C-d")
    until(lambda: hands.pane("a").dead)
    again = hands.respawn("a", Program(["cat"], tmp_path, secrets={"K": "v"}, env={"GC_X": "1"}))
    assert not again.dead and again.pid != first.pid and again.agent
    forced = hands.respawn("a", Program(["cat"], tmp_path), kill=True)
    assert not forced.dead and forced.pid != again.pid


STUBBORN = """
import os, signal, sys, time
for s in (signal.SIGHUP, signal.SIGTERM):
    signal.signal(s, signal.SIG_IGN)
if os.fork() == 0 and os.fork() == 0:
    pass                      # orphan: its parent ends, its terminal session stays
elif not os.fork():
    os.execvp("sleep", ["sleep", "1000"])
else:
    pass
print("UP", flush=True)
while True:
    time.sleep(1000)
"""


def test_kill_ends_what_survives_its_terminal(hands: Hands, tmp_path: Path, until: Until) -> None:
    row = hands.start("a", Program([sys.executable, "-I", "-c", STUBBORN], tmp_path))
    until(lambda: len(hands.processes("a")) >= 4 and hands.text("a").count("UP") >= 2)
    found = hands.processes("a")
    assert found[0].pid == row.pid
    assert hands.kill("a", grace=0.2) == ()
    assert not any(processes.running(p) for p in found)
    with pytest.raises(NotFound):
        hands.pane("a")


def test_a_process_in_the_middle_of_its_exec_is_found_by_its_mark(tmp_path: Path) -> None:
    """A look right after the fork meets, one time in four, a process whose environment is not there yet."""
    import subprocess

    for number in range(60):
        mark = {"GCITY_MARK": f"{tmp_path}/{number}"}
        with subprocess.Popen(["sleep", "1000"], env=mark) as child:
            try:
                assert [p.pid for p in processes.marked(mark)] == [child.pid]
            finally:
                child.kill()


def test_a_signal_never_reaches_a_stranger(tmp_path: Path) -> None:
    import subprocess

    child = subprocess.Popen(["sleep", "1000"])
    try:
        (mine,) = [p for p in processes.marked({"PATH": os.environ["PATH"]}) if p.pid == child.pid]
        stranger = processes.Process(child.pid, mine.started + 1)
        assert processes.end([stranger], 0.1) == () and child.poll() is None
        assert processes.end([mine], 2.0) == () and child.wait(2) == -15
    finally:
        child.kill()


def test_a_dead_pane_s_number_is_not_followed(hands: Hands, tmp_path: Path, until: Until) -> None:
    row = hands.start("a", Program(["true"], tmp_path))
    until(lambda: hands.pane("a").dead)
    assert processes.tree(row.pid, dead=True) == ()
    assert processes.tree(os.getpid(), dead=True) == (), "whoever bears that number now is a stranger"
    assert processes.tree(row.pid) == ()


def test_many_threads_share_the_pipe(hands: Hands, tmp_path: Path) -> None:
    client, wrong = hands.client(), []

    def ask(n: int) -> None:
        asked = [f"{n}-{i}" for i in range(100)]
        wrong.extend(a for a in asked if client.request(f"display-message -p {a}") != [a])

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert wrong == []


def test_errors_of_the_pipe(hands: Hands, server: Server) -> None:
    client = hands.client()
    with pytest.raises(Refused):
        client.request("no-such-command")
    with pytest.raises(CityError):
        client.request("a\nb")
    pid = int(client.request("display-message -p '#{pid}'")[0])
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(RuntimeUnavailable):
            client.request("display-message -p late", timeout=0.1)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert client.request("display-message -p still") == ["still"]  # answers stay matched to their questions
    server.kill()
    with pytest.raises(RuntimeUnavailable):
        client.request("display-message -p gone")
    with pytest.raises(RuntimeUnavailable):
        hands.pane("a")
    server.ensure({})
    with pytest.raises(NotFound):  # the pipe is opened anew by itself
        hands.pane("a")


def test_marks(hands: Hands, tmp_path: Path) -> None:
    hands.start("a", Program(["cat"], tmp_path))
    hands.set_option("a", "@gcity_bead", "gc-1; #{pid} $(x)")
    assert hands.option("a", "@gcity_bead") == "gc-1; #{pid} $(x)" and hands.option("a", "@none") == ""
    hands.set_title("a", "#{pid} #[fg=red]\x1b[31m ; t")
    assert hands.pane("a").title == "#{pid} #[fg=red] ; t"
    with pytest.raises(Usage):
        hands.set_option("a", "window-size", "manual")


def test_libtmux_is_silent_where_we_are_not(hands: Hands, server: Server, tmp_path: Path) -> None:
    import libtmux

    hands.start("a", Program(["cat"], tmp_path))
    pane = libtmux.Server(socket_name=server.socket).sessions.get(session_name="a").active_pane
    assert pane is not None
    hands.kill("a")
    assert pane.capture_pane() == []
    with pytest.raises(NotFound):
        hands.capture("a")


def test_the_tree_of_a_process_that_leads_no_session() -> None:
    import subprocess

    child = subprocess.Popen(["sh", "-c", "sleep 1000 & wait"])
    try:
        while len(found := processes.tree(child.pid)) < 2:
            assert child.poll() is None
        assert found[0].pid == child.pid
        assert processes.end(found, 2.0) == ()
    finally:
        child.kill()
        child.wait()


def test_how_it_ended_is_waited_for(hands: Hands, tmp_path: Path, until: Callable[..., object]) -> None:
    """The end is seen when the terminal is let go of, the code when the process is over."""
    code = "import os, signal, time; signal.signal(1, signal.SIG_IGN); os.closerange(0, 3); time.sleep({}); os._exit(3)"
    words = [sys.executable, "-I", "-S", "-c"]
    hands.start("late", Program([*words, code.format(0.5)], tmp_path))
    until(lambda: hands.pane("late").dead)
    assert hands.ended("late", 10.0).dead_status == 3
    row = hands.start("never", Program([*words, code.format(60)], tmp_path))
    until(lambda: hands.pane("never").dead)
    assert hands.ended("never", 0.1).owed
    assert [p.pid for p in hands.processes("never")] == [row.pid]
    assert hands.kill("never", grace=0.1) == ()
    assert processes.tree(row.pid) == ()
