# SPDX-License-Identifier: GPL-3.0-or-later
"""Repositories of backups that open in no time. restic makes the derivation of the key from the password as
expensive as half a second of the machine, for each of its calls; how expensive stands in the repository."""

import base64
import hashlib
import json
import pathlib
import secrets
import subprocess


def _aes(kind, key, data, *more):
    return subprocess.run(["openssl", "enc", "-" + kind, "-K", key.hex(), *more], input=data,
                          stdout=subprocess.PIPE, check=True).stdout


def _mac(key, nonce, data):
    """Poly1305-AES; of the key the first half is for AES."""
    r = int.from_bytes(key[16:], "little") & 0x0ffffffc0ffffffc0ffffffc0fffffff
    total = 0
    for at in range(0, len(data), 16):
        total = (total + int.from_bytes(data[at:at + 16] + b"\1", "little")) * r % ((1 << 130) - 5)
    pad = _aes("aes-128-ecb", key[:16], nonce, "-nopad")
    return ((total + int.from_bytes(pad, "little")) % (1 << 128)).to_bytes(16, "little")


class _Key:
    def __init__(self, password, record):
        derived = hashlib.scrypt(password.encode(), salt=base64.b64decode(record["salt"]), n=record["N"],
                                 r=record["r"], p=record["p"], maxmem=1 << 30, dklen=64)
        self.cipher, self.mac = derived[:32], derived[32:]

    def open(self, data):
        nonce, text, mac = data[:16], data[16:-16], data[-16:]
        if mac != _mac(self.mac, nonce, text):
            raise AssertionError("this is not the password of the repository")
        return _aes("aes-256-ctr", self.cipher, text, "-iv", nonce.hex())

    def seal(self, text):
        nonce = secrets.token_bytes(16)
        text = _aes("aes-256-ctr", self.cipher, text, "-iv", nonce.hex())
        return nonce + text + _mac(self.mac, nonce, text)


def make_cheap(repository, password):
    """Opens with the same password from now on, and everything in it is as it was."""
    for path in list(pathlib.Path(repository, "keys").iterdir()):
        record = json.loads(path.read_text("ascii"))
        master = _Key(password, record).open(base64.b64decode(record["data"]))
        record.update(N=2, r=1, p=1)
        record["data"] = base64.b64encode(_Key(password, record).seal(master)).decode()
        text = json.dumps(record).encode()
        about = path.stat()
        made = path.with_name(hashlib.sha256(text).hexdigest())
        made.write_bytes(text)
        made.chmod(about.st_mode & 0o777)
        path.unlink()
