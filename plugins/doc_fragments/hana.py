# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a HANA database is reached: documentation of the options in ``_hana/options.py``."""

from __future__ import annotations


class ModuleDocFragment:
    """The connection options of the action group ``hana``."""

    DOCUMENTATION = r"""
options:
  hana_host:
    description:
      - Host of the database. The module connects from where it runs, so usually it is delegated to the controller.
      - Needs O(hana_port) or O(hana_instance), with O(hana_user) and O(hana_password).
    type: str
  hana_port:
    description: SQL port, such as V(30013) for the system database of instance 00.
    type: int
  hana_instance:
    description: Instance number. The port is then 3NN13, and HANA leads to the tenant in O(hana_database) from there.
    type: str
  hana_database:
    description: The database that is connected to. Most of what concerns tenants is done through V(SYSTEMDB).
    type: str
    default: SYSTEMDB
  hana_key:
    description:
      - Key of the secure user store (hdbuserstore) of the operating system user who runs the module. It holds address,
        user and password.
    type: str
  hana_user:
    description: Database user. A technical one with few privileges, not C(SYSTEM); see docs/hana.md.
    type: str
  hana_password:
    description: Password of O(hana_user).
    type: str
  hana_encrypt:
    description: Whether the connection is encrypted. What is written is what is used, nothing else is tried.
    type: bool
    default: true
  hana_ca_file:
    description: File with the certificates (PEM) of the authorities that are trusted, not those of the driver.
    type: path
  hana_verify:
    description: Whether the certificate and the host name in it are checked.
    type: bool
    default: true
  hana_certificate_host:
    description: The host name that the certificate carries, when it is not O(hana_host).
    type: str
  hana_connect_timeout:
    description: Seconds for one try to connect.
    type: float
    default: 15.0
  hana_timeout:
    description:
      - Seconds for the answer to one question. It has nothing to do with how long a backup or a recovery may take.
    type: float
    default: 60.0
requirements:
  - hdbcli, SAP's database driver, where the module runs (C(pip install hdbcli), SAP Developer License Agreement)
"""
