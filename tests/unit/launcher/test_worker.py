import signal
import subprocess
import sys
import time

import pytest

from launcher.processes import child_variables

#: A heartbeat which is in a transaction half of the time, as on a slow disk, while the main thread forks one writer after the other
FORKS = """
import os, sqlite3, sys, threading, time
from launcher.worker import guard_forks

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

#: A loop that catches everything, as web2py's does in places
STUBBORN_LOOP = """
import signal, sys, threading, time
from launcher import worker

class Scheduler(threading.Thread):
    have_heartbeat = True
    def send_heartbeat(self, counter): pass
    def sleep(self): pass
    def loop(self):
        print("ready", flush=True)
        while self.have_heartbeat:
            try:
                time.sleep(0.5)
            except BaseException:
                print("caught", flush=True)

signal.pthread_sigmask(signal.SIG_BLOCK, worker._ENDING)
threading.Thread(target=worker._wait_for_signal, daemon=True).start()
worker.loop(Scheduler())
print("ended", flush=True)
"""


def test_a_task_is_not_forked_while_the_heartbeat_holds_a_lock(tmp_path):
    command = [sys.executable, "-c", FORKS, str(tmp_path / "beats.db")]

    result = subprocess.run(command, env=child_variables(), stdout=subprocess.PIPE, text=True, timeout=30, check=True)

    assert result.stdout == "failed: 0\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_loop_even_where_every_exception_is_caught(number):
    process = subprocess.Popen([sys.executable, "-c", STUBBORN_LOOP], env=child_variables(), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n"

        process.send_signal(number)
        output, _ = process.communicate(timeout=10)

        assert output.splitlines()[-1] == "ended"
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()


def test_a_signal_before_the_loop_ends_the_worker_too():
    source = STUBBORN_LOOP.replace("worker.loop(Scheduler())", "print('loading', flush=True); time.sleep(30)")
    process = subprocess.Popen([sys.executable, "-c", source], env=child_variables(), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "loading\n"

        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.wait(10)

        assert time.monotonic() - started < 5
    finally:
        process.kill()
        process.communicate()
