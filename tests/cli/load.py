"""load.py MINUTES KEY=COUNT...: frames with so many records of each key in each of the last MINUTES whole minutes and in the
running one, as stream-put --frames --keep-times reads them; by the layouts in shardlog(5). The records are empty.

load.py middle KEY...: the hash key at which keys that come equally often are halved.
"""

import hashlib
import sys
import time

from frames import frame, payload

if sys.argv[1] == "middle":
    hashes = sorted(int(hashlib.md5(key.encode()).hexdigest(), 16) for key in sys.argv[2:])
    print(hashes[len(hashes) // 2])
else:
    counts = [word.split("=") for word in sys.argv[2:]]
    batch = payload([key.encode() for key, count in counts for _ in range(int(count))], b"")
    minute = int(time.time()) // 60
    for ago in range(int(sys.argv[1]), -1, -1):
        sys.stdout.buffer.write(frame(1, (minute - ago) * 60 * 10**6, batch))
