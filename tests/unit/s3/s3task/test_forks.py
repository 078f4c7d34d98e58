from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

MODULES = Path(__file__).resolve().parents[4] / "modules"

#: A heartbeat which is in a transaction half of the time, as on a slow disk, while the main thread forks one writer after the other
FORKS = """
import os, sqlite3, sys, threading, time
from s3.s3task.forks import guard_forks

def connect():
    return sqlite3.connect(sys.argv[1], timeout=1)

class Scheduler(threading.Thread):
    have_heartbeat = True
    connection = None
    def run(self):
        while self.have_heartbeat:
            self.send_heartbeat(0)
    def send_heartbeat(self, counter):
        self.connection = self.connection or connect()
        self.connection.execute("INSERT INTO beats VALUES (1)")
        time.sleep(0.1)
        self.connection.commit()
        self.sleep()
    def sleep(self):
        time.sleep(0.1)

with connect() as connection:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE beats (a)")
connection.close()
scheduler = Scheduler()
guard_forks(scheduler)
guard_forks(scheduler)
scheduler.start()
results = []
for _ in range(12):
    child = os.fork()
    if child == 0:
        try:
            connection = connect()
            connection.execute("INSERT INTO beats VALUES (2)")
            connection.commit()
            os._exit(0)
        except sqlite3.OperationalError:
            os._exit(1)
    results.append(os.waitpid(child, 0)[1])
    time.sleep(0.03)
scheduler.have_heartbeat = False
print("failed:", sum(map(bool, results)))
"""

#: A heartbeat that never gets done with its transaction in the time in which a signal comes to the one who forks
INTERRUPTED = """
import os, signal, threading, time
from s3.s3task.forks import guard_forks

class Scheduler(threading.Thread):
    have_heartbeat = True
    beats = 0
    def run(self):
        for _ in range(3):
            self.send_heartbeat(0)
    def send_heartbeat(self, counter):
        time.sleep(0.6)
        self.beats += 1
        self.sleep()
    def sleep(self):
        time.sleep(0.1)

scheduler = Scheduler()
guard_forks(scheduler)
signal.signal(signal.SIGALRM, signal.default_int_handler)
scheduler.start()
time.sleep(0.2)
signal.setitimer(signal.ITIMER_REAL, 0.1)
child = os.fork()
if child == 0:
    # a task may fork, too
    grandchild = os.fork()
    if grandchild == 0:
        os._exit(0)
    os._exit(os.waitpid(grandchild, 0)[1])
print("child:", os.waitpid(child, 0)[1])
print("to go on:", scheduler.have_heartbeat)
scheduler.join()
print("beats:", scheduler.beats)
"""


def run(source: str, *arguments: str) -> str:
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join([str(MODULES), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-c", source, *arguments]
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=True).stdout


def test_a_task_is_not_forked_while_the_heartbeat_holds_a_lock(tmp_path: Path) -> None:
    output = run(FORKS, str(tmp_path / "beats.db"))

    assert output == "failed: 0\n"


def test_a_signal_to_a_worker_that_waits_to_fork_ends_its_loop_and_not_its_heartbeat() -> None:
    output = run(INTERRUPTED)

    assert output.splitlines() == ["child: 0", "to go on: False", "beats: 3"]
