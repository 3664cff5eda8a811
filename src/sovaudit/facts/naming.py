"""Names that are nobody's: words for a function, a machine or a moment, in English and French."""

from __future__ import annotations

import re
from collections.abc import Collection

GENERIC = tuple(
    "adm admin admins administrateur administrator adminsys anonymous ansible app application backup bureau centos cloud commun common compta "
    "comptabilite cloud-user daemon data db dba debian default demo deploy deployer deployment dev devops ec2-user etudiant formation ftp ftpuser "
    "generic generique git gitlab gitlab-runner guest helpdesk info informatique install intern invite it jenkins kiosk local login mail "
    "maintenance manager monitor monitoring mysql nagios office oper operateur operator oracle pi postgres prod public reception root scan scanner "
    "secretariat server serveur service sftp shared ssh sshuser staff stagiaire staging student super superuser supervisor support svc "
    "sys sysadmin system systeme temp temporaire test tester tests tmp tomcat toor training ubuntu user users utilisateur vagrant visiteur visitor "
    "web webadmin webmaster www www-data zabbix".split()
)


def is_generic(name: str, words: Collection[str]) -> bool:
    """Whether a login name is made of such words alone, apart from case, digits behind them and separators.

    >>> is_generic("Web-Admin02", GENERIC), is_generic("alice-admin", GENERIC)
    (True, False)
    """
    low = name.lower()
    if low in words or low.rstrip("0123456789") in words:
        return True
    parts = [part.rstrip("0123456789") for part in re.split(r"[-_.]+", low) if not part.isdigit() and part]
    return bool(parts) and all(part in words for part in parts)
