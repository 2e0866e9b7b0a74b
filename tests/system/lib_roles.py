# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may use which command: written down by hand, so that a change of the table is noticed."""

import pathlib
import re

ROLES = ("config", "maint", "update", "backup", "audit", "security")

READERS = {"config", "audit", "security"}
MAY = {
    "status": set(ROLES),
    "sessions": {"maint", "audit"},
    "kick": {"maint"},
    "end": {"maint"},
    "maintenance on": {"maint"},
    "maintenance off": {"maint"},
    "maintenance status": set(ROLES),
    "reload": {"config", "security"},
    "upgrade": {"update"},
    "shutdown": set(),
    "cell lend": set(),
    "config check": READERS,
    "config dump": READERS,
    "config set": {"config"},
    "config diff": READERS,
    "config apply": {"config"},
    "config revert": {"config"},
    "config history": READERS,
    "config restore": {"config"},
    "firewall show": READERS,
    "firewall apply": {"config"},
    "firewall check": READERS,
    "firewall export": READERS,
    "paths list": READERS | {"maint"},
    "paths explain": READERS | {"maint"},
    "paths probe": {"config", "maint"},
    "roles show": set(ROLES),
    "roles check": {"audit", "security"},
    "cert request": {"security"},
    "cert install": {"security"},
    "cert status": READERS | {"maint"},
    "cert revert": {"security"},
    "viewer-config": {"config", "maint", "security"},
    "roles grant": {"security"},
    "roles take": {"security"},
    "admin list": {"audit", "security"},
    "admin add": {"security"},
    "admin remove": {"security"},
    "admin password": {"security"},
    "admin key add": {"security"},
    "admin key list": {"audit", "security"},
    "admin key remove": {"security"},
    "backup run": {"backup"},
    "backup list": {"backup", "audit", "security"},
    "backup check": {"backup", "security"},
    "backup schedule": {"backup", "audit", "security"},
    "backup due": set(),
    "backup restore": {"backup"},
    "backup requests": {"backup", "audit", "security"},
    "backup approve": {"security"},
    "backup reject": {"backup", "security"},
    "backup key show": {"security"},
    "backup key set": {"security"},
    "backup key ssh": {"backup", "security"},
    "secure check": {"audit", "security"},
    "update check": {"update"},
    "update download": {"update"},
    "update install": {"update"},
    "update undo": {"update"},
    "update schedule": {"update"},
    "update status": {"update", "audit", "security"},
    "lock status": READERS | {"maint"},
    "lock list": {"audit", "security"},
    "lock show": {"audit", "security"},
    "lock release": {"security"},
    "lock drop": {"security"},
    "lock check": {"config", "security"},
    "user add": {"maint"},
    "user import": {"maint"},
    "user export": {"maint"},
    "user expire": {"maint"},
    "user lock": {"maint"},
    "user unlock": {"maint"},
    "user password": {"maint"},
    "user remove": {"maint"},
    "user list": {"maint", "audit"},
    "user report": {"maint", "audit"},
    "version": set(ROLES),
}

_ROW = re.compile(r'^C\((\w+), "([^"]*)", "([^"]*)",\s*(\d+), (\d+),\s*(\w+),\s*([A-Z_ |]+),', re.M)


def table(source):
    """The rows of the command table: {words: (least arguments, where, roles)}"""
    rows = {}
    for _, words, _, least, _, where, access in _ROW.findall(
            (pathlib.Path(source) / "src/ctl/commands.def").read_text("utf-8")):
        names = {part.strip()[len("ROLE_"):].lower() for part in access.split("|")}
        roles = set(ROLES) if names == {"all"} else names - {"root"}
        rows[words] = (int(least), where, roles)
    return rows
