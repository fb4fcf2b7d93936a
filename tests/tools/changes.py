#!/usr/bin/python3
"""Holds and releases devices at a rate, so that decisions change: each order is one record.

  usage: changes.py SOCKET RATE SECONDS DEVICE...

Prints how many orders were carried out. Goes on while the verifier restarts."""
import http.client, json, socket, sys, threading, time


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("verifier", timeout=10)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(self.path)


path, rate, seconds, devices = sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]
done, lock, start = 0, threading.Lock(), time.time()


def work(mine):
    global done
    c, held, n = Connection(path), dict.fromkeys(mine, False), 0
    pace = len(devices) / len(mine) / rate
    while time.time() < start + seconds:
        device = mine[n % len(mine)]
        word = "release" if held[device] else "hold"
        try:
            c.request("POST", "/v1/devices/%s/%s" % (device, word), "{}", {"Content-Type": "application/json"})
            answer = c.getresponse()
            answer.read()
            if answer.status == 200:
                with lock:
                    done += 1
            if answer.status in (200, 409):
                held[device] = not held[device]
                n += 1
        except (OSError, http.client.HTTPException):
            c.close()
            c = Connection(path)
            time.sleep(0.05)
        ahead = start + n * pace - time.time()
        if ahead > 0:
            time.sleep(ahead)


workers = min(8, len(devices))
threads = [threading.Thread(target=work, args=(devices[i::workers],)) for i in range(workers)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(done)
