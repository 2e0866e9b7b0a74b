# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of files through the lock, with stock clients."""

import os

from lib_sftp import SftpTest


class Clients(SftpTest):
    def test_openssh(self):
        data = os.urandom(300000)
        self.local("up.bin", data)
        done = self.good(self.sftp("ls -la /\nls -la\nput up.bin\nls -la\nget up.bin down.bin\nrename up.bin other.bin\n"
                                   "mkdir folder\nput up.bin folder/x\nrm folder/x\nrmdir folder\n"))
        print(done)
        self.assertEqual(self.local("down.bin").read_bytes(), data)
        self.assertEqual((self.transfer() / "other.bin").read_bytes(), data)
