# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages and repositories for tests, made within a second: that of the system from the build tree, in any
version, with the maintainer scripts that `make deb` uses; and small ones of nothing."""

import functools
import os
import pathlib
import re
import shutil
import subprocess

from lib_proc import BUILD, TOP, run

# What debhelper puts in place of its mark.
POSTINST = """if [ "$1" = configure ]; then
	systemd-sysusers lazaret.conf
	systemd-tmpfiles --create lazaret.conf >/dev/null || true
fi"""


@functools.lru_cache(maxsize=None)
def version():
    """Of the source."""
    return re.search(r"version: '([0-9.]+)'", (TOP / "meson.build").read_text("utf-8")).group(1)


def next_version(text=None):
    head, _, last = (text or version()).rpartition(".")
    return "%s.%d" % (head, int(last) + 1)


@functools.lru_cache(maxsize=None)
def _tree():
    """Installed once a process, stripped."""
    tree = BUILD / "system" / ("tree-%d" % os.getpid())
    shutil.rmtree(tree, ignore_errors=True)
    run("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", tree, seconds=120)
    for program in list(tree.glob("usr/*bin/*")) + list(tree.glob("usr/libexec/lazaret/*")):
        if not program.is_symlink():
            subprocess.run(["strip", "-g", str(program)], check=False, stderr=subprocess.DEVNULL)
    return tree


def remove_tree():
    if _tree.cache_info().currsize:
        shutil.rmtree(_tree(), ignore_errors=True)
        _tree.cache_clear()


def _build(root, control, scripts, target):
    folder = root / "DEBIAN"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "control").write_text(
        "".join("%s: %s\n" % pair for pair in control.items()), encoding="utf-8")
    for name, text in scripts.items():
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o755 if name != "conffiles" else 0o644)
    place = target / ("%s_%s_%s.deb" % (control["Package"], control["Version"],
                                       control["Architecture"]))
    run("dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", root, place)
    shutil.rmtree(root)
    return place


def system_package(target, new_version=None, before="", after="", depends="", set_uid=False):
    """The package "lazaret" into the folder `target`; the path. Programs say the version, when it is as long as
    that of the source. `before`, `after`: commands of its preinst, and of its postinst ahead of all others;
    `set_uid`: with a file /usr/libexec/lazaret/set-uid of that kind."""
    new_version = new_version or version()
    root = pathlib.Path(target) / "root"
    shutil.rmtree(root, ignore_errors=True)
    run("cp", "-a", _tree(), root)
    old, new = version().encode(), new_version.encode()
    for program in list(root.glob("usr/*bin/*")) + list(root.glob("usr/libexec/lazaret/*")):
        if old != new and len(old) == len(new) and not program.is_symlink():
            data = program.read_bytes()
            data = re.sub(rb"(?<![0-9.])" + re.escape(old) + rb"(?![0-9.])", new, data)
            program.write_bytes(data)
    (root / "etc/lazaret/marker").write_text("as packaged\n", encoding="utf-8")
    (root / "usr/share/lazaret/version").write_text(new_version + "\n", encoding="utf-8")
    if set_uid:
        program = root / "usr/libexec/lazaret/set-uid"
        program.write_text("no program\n", encoding="utf-8")
        program.chmod(0o4755)
    scripts = {}
    for name in ("postinst", "prerm", "postrm"):
        text = (TOP / "dist/debian" / ("lazaret." + name)).read_text("utf-8")
        head, mark, tail = text.partition("#DEBHELPER#")
        assert mark, name
        if name == "postinst":
            head, mark = head + after + "\n", POSTINST
        scripts[name] = head + (mark if name == "postinst" else "") + tail
    if before:
        scripts["preinst"] = "#!/bin/sh\n" + before + "\n"
    scripts["conffiles"] = "".join(
        "/%s\n" % p.relative_to(root) for p in sorted(root.glob("etc/**/*")) if p.is_file())
    size = sum(p.stat().st_size for p in root.rglob("*") if p.is_file() and not p.is_symlink())
    control = {"Package": "lazaret", "Version": new_version, "Architecture": run(
        "dpkg", "--print-architecture").strip(), "Maintainer": "Test <test@example.org>",
        "Installed-Size": size // 1024 + 1, "Description": "remote-controlled browser system"}
    if depends:
        control["Depends"] = depends
    return _build(root, control, scripts, pathlib.Path(target))


def small_package(target, name, new_version, files=None, scripts=None):
    """A package of a few files {path: text}; the path."""
    root = pathlib.Path(target) / "root"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    for path, text in (files or {"/usr/share/%s/version" % name: new_version}).items():
        place = root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    return _build(root, {"Package": name, "Version": new_version, "Architecture": "all",
                         "Maintainer": "Test <test@example.org>", "Installed-Size": 4,
                         "Description": "of a test"}, scripts or {}, pathlib.Path(target))


class Keys:
    """A keyring of gpg's own, with keys by name."""

    def __init__(self, folder):
        self.home = pathlib.Path(folder)
        self.home.mkdir(mode=0o700, parents=True)
        self.env = dict(os.environ, GNUPGHOME=str(self.home))

    def make(self, name, expire="never"):
        run("gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key",
            "%s <%s@example.org>" % (name, name), "ed25519", "sign", expire, env=self.env)
        return name

    def export(self, name, path):
        run("gpg", "--batch", "--yes", "--output", path, "--export", name + "@example.org",
            env=self.env)

    def close(self):
        run("gpgconf", "--kill", "all", env=self.env, check=False)


class Repository:
    """A folder that scripts/publish-repository has filled."""

    def __init__(self, keys, key, folder, suite="stable", label="Lazaret"):
        self.keys, self.key, self.suite, self.label = keys, key, suite, label
        self.folder = pathlib.Path(folder)

    def publish(self, *packages, days=14):
        return run(TOP / "scripts/publish-repository", "--key", self.key + "@example.org",
                   "--suite", self.suite, "--label", self.label, "--days", days, self.folder,
                   *packages, env=self.keys.env)

    @property
    def list(self):
        return self.folder / "dists" / self.suite / "InRelease"

    def sign_again(self, change, key=None):
        """The list with another text, change(text), signed; by another key, if one is named."""
        text = (self.list.parent / "Release").read_text("utf-8")
        run("gpg", "--batch", "--yes", "--local-user", (key or self.key) + "@example.org",
            "--clearsign", "--output", self.list, input=change(text), env=self.keys.env)
