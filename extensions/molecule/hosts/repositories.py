# SPDX-License-Identifier: GPL-3.0-or-later
"""Local package repositories in several states, as real dpkg, rpm and metadata files.

One folder for Debian packages, one for rpm packages. In the state *old* a repository carries what the hosts start
with; in the state *new* it also carries one newer version of every package. Three packages stand for the three cases
of a patch day: an ordinary fix, a security fix that needs a reboot, a certified package that must be left alone.
*wide* is *new* with an ordinary fix that brings a package along, *broken* is *new* with one that needs what nobody has.
*secure* is *new* with a second security advisory. *scripted* is *new* with an ordinary fix whose last script waits as
long as the host has the file ``/run/landscape-wait``, then fails when it has ``/run/landscape-full``.

Needs on PATH: dpkg-deb, rpmbuild, createrepo_c, modifyrepo_c.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, replace
from email.utils import formatdate
from pathlib import Path


@dataclass(frozen=True)
class Product:
    """One package in two versions; the new one may have a ``security`` advisory, may ask for a ``reboot``."""

    name: str
    old: str
    new: str
    security: bool = False
    reboot: bool = False


PRODUCTS = (
    Product("landscape-tools", "1.0", "1.1"),
    Product("landscape-core", "1.0", "1.2", security=True, reboot=True),
    Product("landscape-certified", "1.0", "2.0"),
)

EXTRA = Product("landscape-extra", "1.0", "1.0")
STATES = ("old", "new", "wide", "broken", "secure", "scripted")
TOOLS = ("dpkg-deb", "rpmbuild", "createrepo_c", "modifyrepo_c")


WAIT = "while [ -e /run/landscape-wait ]; do sleep 0.1; done"
FULL = "/run/landscape-full"


def run(*command: str, cwd: Path | None = None, stdout: int | None = subprocess.DEVNULL) -> bytes:
    """Run *command*, give its output; raises CalledProcessError with the command's own words on stderr."""
    done = subprocess.run(command, cwd=cwd, check=True, stdin=subprocess.DEVNULL, stdout=stdout)
    return done.stdout or b""


def build_deb(product: Product, version: str, to: Path, requires: str = "", *, scripted: bool = False) -> None:
    """Build one Debian package, with a dependency when it ``requires`` one, with a script when it is ``scripted``.

    The one that needs a reboot says so as Debian's kernel packages do.
    """
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch)
        control = tree / "DEBIAN"
        control.mkdir(mode=0o755)
        control.joinpath("control").write_text(
            f"Package: {product.name}\nVersion: {version}\nArchitecture: all\nSection: admin\nPriority: optional\n"
            f"{f'Depends: {requires}' + chr(10) if requires else ''}"
            "Maintainer: The basis.landscape authors <nobody@localhost>\n"
            f"Description: test package {product.name}\n",
            encoding="utf-8",
        )
        if product.reboot:
            postinst = control / "postinst"
            postinst.write_text(
                "#!/bin/sh\nset -e\n"
                'if [ "$1" = configure ] && [ -n "$2" ]; then\n'
                f"  touch /run/reboot-required\n  echo {product.name} >> /run/reboot-required.pkgs\nfi\n",
                encoding="utf-8",
            )
            postinst.chmod(0o755)
        if scripted:
            postinst = control / "postinst"
            postinst.write_text(
                f"#!/bin/sh\n{WAIT}\nif [ -e {FULL} ]; then echo /boot is full >&2; exit 1; fi\n", encoding="utf-8"
            )
            postinst.chmod(0o755)
        content = tree / "usr" / "share" / product.name
        content.mkdir(parents=True)
        content.joinpath("version").write_text(f"{version}\n", encoding="utf-8")
        tree.chmod(0o755)
        run("dpkg-deb", "--root-owner-group", "--build", str(tree), str(to / f"{product.name}_{version}_all.deb"))


def build_rpm(product: Product, version: str, to: Path, requires: str = "", *, scripted: bool = False) -> None:
    """Build one rpm package, with a dependency when it ``requires`` one, with a script when it is ``scripted``.

    The one that needs a reboot says so to dnf (needs-restarting.d) as well as to libzypp. The script is Lua,
    because the hosts' rpm knows of no shell.
    """
    hint = f"/etc/dnf/plugins/needs-restarting.d/{product.name}.conf"
    relations = "Provides: installhint(reboot-needed)\n" if product.reboot else ""
    relations += f"Requires: {requires}\n" if requires else ""
    reboot_install = (
        f"mkdir -p %{{buildroot}}/etc/dnf/plugins/needs-restarting.d\necho {product.name} > %{{buildroot}}{hint}\n"
        if product.reboot
        else ""
    )
    script = (
        f'%posttrans -p <lua>\nos.execute("{WAIT}")\nif posix.stat("{FULL}") then error("/boot is full") end\n'
        if scripted
        else ""
    )
    with tempfile.TemporaryDirectory() as scratch:
        spec = Path(scratch) / f"{product.name}.spec"
        spec.write_text(
            f"Name: {product.name}\nVersion: {version}\nRelease: 1\nSummary: test package {product.name}\n"
            f"License: GPL-3.0-or-later\nBuildArch: noarch\n{relations}"
            f"%description\nTest package {product.name}.\n"
            f"%install\nmkdir -p %{{buildroot}}/usr/share/{product.name}\n"
            f"echo {version} > %{{buildroot}}/usr/share/{product.name}/version\n{reboot_install}{script}"
            f"%files\n/usr/share/{product.name}/version\n{hint if product.reboot else ''}\n",
            encoding="utf-8",
        )
        run("rpmbuild", "-bb", "--quiet", "--define", f"_topdir {scratch}", str(spec))
        for package in Path(scratch).glob("RPMS/noarch/*.rpm"):
            shutil.copy2(package, to / package.name)


def updateinfo(products: tuple[Product, ...]) -> str:
    """The advisories of the new versions, in the format that createrepo's users call updateinfo."""
    advisories = []
    for number, product in enumerate(products, start=1):
        reboot = "<reboot_suggested>True</reboot_suggested>" if product.reboot else ""
        advisories.append(
            f'<update from="nobody@localhost" status="final" type="{"security" if product.security else "bugfix"}" '
            f'version="1"><id>LANDSCAPE-2026-{number}</id><title>{product.name} {product.new}</title>'
            f"<severity>{'Important' if product.security else 'None'}</severity><release>1</release>"
            f'<issued date="2026-11-01 00:00:00"/><description>{product.name} {product.new}</description>'
            f'<pkglist><collection short="landscape"><name>landscape</name>'
            f'<package name="{product.name}" version="{product.new}" release="1" epoch="0" arch="noarch" '
            f'src="{product.name}-{product.new}-1.src.rpm">'
            f"<filename>{product.name}-{product.new}-1.noarch.rpm</filename>{reboot}</package>"
            "</collection></pkglist></update>"
        )
    return '<?xml version="1.0" encoding="UTF-8"?>\n<updates>' + "".join(advisories) + "</updates>\n"


def index_deb(folder: Path, codename: str) -> None:
    """Write Packages and Release of a flat repository; the codename is the archive name that apt shows."""
    entries = []
    for package in sorted(folder.glob("*.deb")):
        control = run("dpkg-deb", "--field", str(package), stdout=subprocess.PIPE).decode("utf-8")
        content = package.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        entries.append(f"{control}Filename: ./{package.name}\nSize: {len(content)}\nSHA256: {digest}\n")
    packages = "\n".join(entries).encode("utf-8")
    folder.joinpath("Packages").write_bytes(packages)
    folder.joinpath("Release").write_text(
        f"Origin: Landscape\nLabel: Landscape\nSuite: {codename}\nDate: {formatdate(usegmt=True)}\nSHA256:\n"
        f" {hashlib.sha256(packages).hexdigest()} {len(packages)} Packages\n",
        encoding="utf-8",
    )


def index_rpm(folder: Path, products: tuple[Product, ...]) -> None:
    """Write repodata with advisories for *products*."""
    run("createrepo_c", "--quiet", str(folder))
    if products:
        with tempfile.TemporaryDirectory() as scratch:
            info = Path(scratch) / "updateinfo.xml"
            info.write_text(updateinfo(products), encoding="utf-8")
            run("modifyrepo_c", str(info), str(folder / "repodata"))


def build(root: Path, state: str) -> None:
    """Make ``deb/stable``, ``deb/security``, ``rpm`` under *root* anew; *state* is one of STATES."""
    stable, security, rpm = root / "deb" / "stable", root / "deb" / "security", root / "rpm"
    for folder in (stable, security, rpm):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    products = tuple(replace(product, security=True) for product in PRODUCTS[:2]) + PRODUCTS[2:]
    products = products if state == "secure" else PRODUCTS
    for product in products:
        build_deb(product, product.old, stable)
        build_rpm(product, product.old, rpm)
        if state != "old":
            build_deb(product, product.new, security if product.security else stable)
            build_rpm(product, product.new, rpm)
    ordinary = PRODUCTS[0]
    if state == "wide":
        build_deb(EXTRA, EXTRA.new, stable)
        build_rpm(EXTRA, EXTRA.new, rpm)
    if state in ("wide", "broken"):
        requires = EXTRA.name if state == "wide" else "landscape-missing"
        build_deb(ordinary, "1.3", stable, requires)
        build_rpm(ordinary, "1.3", rpm, requires)
    if state == "scripted":
        build_deb(ordinary, "1.3", stable, scripted=True)
        build_rpm(ordinary, "1.3", rpm, scripted=True)
    index_deb(stable, "stable")
    index_deb(security, "stable-security")
    index_rpm(rpm, products if state != "old" else ())
    for path in (root, *root.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def main() -> None:
    """Command line: ``repositories.py ROOT STATE``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("state", choices=STATES)
    arguments = parser.parse_args()
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        raise SystemExit(f"Could not build the repositories: not installed: {', '.join(missing)}")
    os.umask(0o022)
    build(arguments.root.resolve(), arguments.state)


if __name__ == "__main__":
    main()
