# SPDX-License-Identifier: GPL-3.0-or-later
"""Administrators of a test: an account for each role in a group of its own, made and removed again."""

import grp
import os
import pwd
import re
import secrets
import subprocess

from lib_proc import run
from lib_roles import ROLES

_MARK = "Lazaret test administrator"


def sweep():
    """Removes accounts and groups of tests whose process is gone."""
    for account in pwd.getpwall():
        match = re.match(r"lza(\d+)-", account.pw_name)
        if match and account.pw_gecos == _MARK and not os.path.exists("/proc/" + match.group(1)):
            run("userdel", account.pw_name, check=False)
    for group in grp.getgrall():
        match = re.match(r"lza(\d+)-", group.gr_name)
        if match and not os.path.exists("/proc/" + match.group(1)):
            run("groupdel", group.gr_name, check=False)


class Administrators:
    """`close()` removes them. `people` is {name: roles}; by default one for each role, and one without
    any. `shell` is their login shell."""

    def __init__(self, people=None, shell="/usr/sbin/nologin", home="/nonexistent"):
        sweep()
        self.prefix = "lza%d-" % os.getpid()
        self.people = people or dict({role: (role,) for role in ROLES}, nobody=())
        self.passwords = {name: "p" + secrets.token_urlsafe(9) for name in self.people}
        try:
            for role in ROLES:
                run("groupadd", "--system", self.group(role))
            for name, roles in self.people.items():
                run("useradd", "--no-create-home", "--home-dir", home, "--shell", shell,
                    "--user-group", "--comment", _MARK,
                    "--groups", ",".join(map(self.group, roles)), self.name(name))
                subprocess.run(["chpasswd"], check=True, text=True,
                               input="%s:%s\n" % (self.name(name), self.passwords[name]))
        except BaseException:
            self.close()
            raise

    def name(self, person):
        return self.prefix + person

    def group(self, role):
        return self.prefix + "r" + role

    def uid(self, person):
        return pwd.getpwnam(self.name(person)).pw_uid

    @property
    def options(self):
        return {"role-" + role: self.group(role) for role in ROLES}

    def close(self):
        for person in self.people:
            run("userdel", self.name(person), check=False)
        for role in ROLES:
            run("groupdel", self.group(role), check=False)

    def run(self, person, *command, env=None, cwd="/"):
        """(status, output, errors) of a command with the person's account and groups, from here."""
        entry = pwd.getpwnam(self.name(person))
        groups = os.getgrouplist(entry.pw_name, entry.pw_gid)
        done = subprocess.run(
            [str(c) for c in command], user=entry.pw_uid, group=entry.pw_gid, extra_groups=groups,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=env, cwd=cwd, timeout=120, check=False)
        return done.returncode, done.stdout, done.stderr
