"""``python -m tests.e2e.systemd_unit``: the unit of ``brownout deploy systemd``, run by a real systemd in its namespaces.

It needs root, systemd, and Debian's Python 3.11 or newer with venv. The machine's files are bound read-only into a new root
that is thrown away; only the units below are there. Prints what was done and what came of it, and exits with the number
of steps that went wrong. Not a test of the suite, since few machines let a second systemd run.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

PYTHON = "/usr/bin/python3"
START_S, STEP_S = 10.0, 30.0
# what a unit may depend on; systemd's own targets would start the machine's services
TARGETS = (
    "test",
    "sysinit",
    "basic",
    "shutdown",
    "network-online",
    "network",
    "sockets",
    "timers",
    "paths",
    "multi-user",
)
_ROOT_SCRIPT = """
set -e
root={root}
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs $root
cd $root
mkdir -p usr etc proc sys dev run var/lib var/log tmp opt root home
chmod 1777 tmp
mount --bind /usr usr && mount -o remount,bind,ro usr
for name in bin sbin lib lib64; do ln -s usr/$name $name; done
for name in ssl ld.so.cache ld.so.conf ld.so.conf.d nsswitch.conf python3.11 alternatives; do
    [ -e /etc/$name ] && cp -a /etc/$name etc/
done
echo 'root:x:0:0:root:/root:/bin/sh
brownout:x:990:990::/var/lib/brownout:/usr/sbin/nologin' > etc/passwd
echo 'root:x:0:
brownout:x:990:' > etc/group
echo '127.0.0.1 localhost' > etc/hosts
: > etc/machine-id
mount -t tmpfs tmpfs usr/lib/systemd/system
mkdir -p etc/systemd/system
for target in {targets}; do
    printf '[Unit]\\nDescription=%s\\nDefaultDependencies=no\\nAllowIsolate=yes\\n' $target \\
        > etc/systemd/system/$target.target
done
cp {work}/brownout.service etc/systemd/system/
mkdir -p opt/brownout etc/brownout
cp -a {work}/venv/. opt/brownout/
cp {work}/brownout.toml etc/brownout/
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mkdir -p {root}/old
pivot_root . old
umount -l /old
export container=private
exec /lib/systemd/systemd --system --unit=test.target --log-target=null --show-status=no
"""
_SETTINGS = """
[catalog]
enabled = []

[web]
port = 8799
"""


class Machine:
    """A systemd that runs in namespaces of its own."""

    def __init__(self, work: Path) -> None:
        root = work / "root"
        root.mkdir()
        script = work / "root.sh"
        script.write_text(_ROOT_SCRIPT.format(root=root, work=work, targets=" ".join(TARGETS)))
        arguments = ["unshare", "-f", "-p", "-m", "-u", "-i", "-n", "-C", "--kill-child", "bash", str(script)]
        self._process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, start_new_session=True)
        self._pid = self._wait_for_pid()
        self.run("ip link set lo up")

    def _wait_for_pid(self) -> str:
        """The pid of systemd, outside; RuntimeError if it does not start."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self._process.poll() is None:
            for pid in children.read_text().split():
                if Path(f"/proc/{pid}/comm").read_text().strip() == "systemd":
                    time.sleep(1)
                    return pid
            time.sleep(0.1)
        raise RuntimeError("systemd did not start in the namespaces")

    def run(self, command: str) -> tuple[int, str]:
        """Runs a shell command in the namespaces: its exit code and all that it printed."""
        arguments = ["nsenter", "-t", self._pid, "-m", "-p", "-u", "-i", "-n", "sh", "-c", command]
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=STEP_S, check=False)
        return done.returncode, (done.stdout + done.stderr).strip()

    def end(self) -> None:
        """Ends it and all that it started."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def make_venv(work: Path) -> None:
    """Installs this checkout's wheel in a virtual environment whose scripts name /opt/brownout."""
    wheels = work / "wheels"
    _call(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(wheels), ".")
    _call(PYTHON, "-m", "venv", str(work / "venv"))
    _call(str(work / "venv/bin/pip"), "install", "-q", *map(str, wheels.glob("*.whl")))
    for script in (work / "venv/bin").iterdir():
        if not script.is_symlink() and (text := _text_of(script)) is not None:
            script.write_text(text.replace(str(work / "venv"), "/opt/brownout"))


def _text_of(file: Path) -> str | None:
    try:
        return file.read_text()
    except UnicodeDecodeError:
        return None


def _call(*arguments: str) -> None:
    subprocess.run(arguments, check=True)


def steps(machine: Machine) -> list[tuple[str, bool]]:
    """Does what an operator does; each step with whether it came out right."""
    results: list[tuple[str, bool]] = []

    def step(what: str, command: str, is_right: Callable[[int, str], bool]) -> None:
        code, said = machine.run(command)
        ok = is_right(code, said)
        print(f"{'ok  ' if ok else 'FAIL'} {what}\n     $ {command}")
        print(textwrap.indent(said or f"(exit code {code})", "     "))
        results.append((what, ok))

    def good(code: int, _: str) -> bool:
        return code == 0

    show = "systemctl show brownout -p"
    board = "/opt/brownout/bin/python -c \"import httpx; print(httpx.get('http://127.0.0.1:8799/healthz').text)\""
    step("start waits until the bot is ready (Type=notify)", "systemctl start brownout", good)
    step("it is active", "systemctl is-active brownout", lambda _, said: said == "active")
    step("its status text says what it does", f"{show} StatusText", lambda _, said: len(said) > len("StatusText="))
    step(
        "it runs as its user",
        "ps -o user= -p $(systemctl show -P MainPID brownout)",
        lambda _, said: said == "brownout",
    )
    step("the board answers", board, lambda code, said: code == 0 and "pass" in said)
    step("its files are its own", "stat -c '%U %a' /var/lib/brownout/brownout.db", lambda _, s: s == "brownout 600")
    step("the watchdog is armed", f"{show} WatchdogUSec", lambda _, said: said == "WatchdogUSec=1min")
    step("it can't write elsewhere", f"{show} ProtectSystem", lambda _, said: said == "ProtectSystem=strict")
    step(
        "reload reads the configuration, and the process stays",
        "before=$(systemctl show -P MainPID brownout); systemctl reload brownout; sleep 1;"
        " test $before = $(systemctl show -P MainPID brownout) && echo same process",
        lambda _, said: said == "same process",
    )
    step(
        "killed, it comes back",
        "kill -9 $(systemctl show -P MainPID brownout); sleep 12; systemctl is-active brownout",
        lambda _, said: said == "active",
    )
    step("it was restarted once", f"{show} NRestarts", lambda _, said: said == "NRestarts=1")
    step("it stops when it is asked to", "systemctl stop brownout", good)
    step(
        "it ended with exit code 0",
        f"{show} ExecMainStatus -p Result",
        lambda _, said: "ExecMainStatus=0" in said and "Result=success" in said,
    )
    return results


def main() -> int:
    """Runs everything in a temporary folder."""
    if os.geteuid() or not shutil.which("systemd-analyze") or not Path("/lib/systemd/systemd").exists():
        print("needs root and systemd")
        return 1
    with tempfile.TemporaryDirectory(prefix="brownout-systemd-") as folder:
        work = Path(folder)
        make_venv(work)
        (work / "brownout.toml").write_text(_SETTINGS)
        unit = subprocess.run(
            [sys.executable, "-m", "bot", "deploy", "systemd"],
            capture_output=True,
            text=True,
            check=True,
        )
        (work / "brownout.service").write_text(unit.stdout)
        machine = Machine(work)
        try:
            results = steps(machine)
        finally:
            machine.end()
    wrong = [what for what, ok in results if not ok]
    print(f"\n{len(results) - len(wrong)} of {len(results)} steps as they should be")
    return len(wrong)


if __name__ == "__main__":
    sys.exit(main())
