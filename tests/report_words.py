"""The words of sample reports: checks, and a directive of 104 rules in 14 chapters."""

from __future__ import annotations

from sovaudit.reports.pages import CheckText, ControlText, DirectiveText

CHECKS = {
    "two-factor.ssh-login": (
        "high",
        "Nobody opens an SSH session with one factor (sample)",
        "Demand publickey,keyboard-interactive in AuthenticationMethods and enrol every account.",
    ),
    "password-policy.min-length": (
        "high",
        "Nobody can set a short password on the host (sample)",
        "Set minlen in /etc/security/pwquality.conf and enforce_for_root on the pam_pwquality line.",
    ),
    "password-policy.max-age": (
        "medium",
        "Every password of an account expires (sample)",
        "Set PASS_MAX_DAYS in /etc/login.defs and run chage on existing accounts.",
    ),
    "least-privilege.root-ssh": (
        "critical",
        "root does not log in over SSH (sample)",
        "Set PermitRootLogin no before any Match block of /etc/ssh/sshd_config.",
    ),
    "least-privilege.sudo-nopasswd": (
        "high",
        "sudo asks who you are (sample)",
        "Remove NOPASSWD from /etc/sudoers and the files it includes.",
    ),
    "log-completeness.central": (
        "high",
        "Every security message leaves for a collector (sample)",
        "Add an omfwd action over TCP or RELP for auth and authpriv.",
    ),
    "log-completeness.clock": (
        "medium",
        "The clock follows a trusted source (sample)",
        "Enable chrony with the organisation's own servers.",
    ),
}
PAGES = {name: CheckText(title, remedy) for name, (_, title, remedy) in CHECKS.items()}

CHAPTERS = (
    "POLITIQUE DE SECURITE DES SYSTEMES D'INFORMATION",
    "ORGANISATION DE LA SECURITE DES SYSTEMES D’INFORMATION",
    "SECURITE DES RESSOURCES HUMAINES",
    "GESTION DES ACTIFS INFORMATIONNELS",
    "CONTROLE D’ACCES",
    "CRYPTOGRAPHIE",
    "SECURITE PHYSIQUE ET ENVIRONNEMENTALE",
    "SECURITE LIEE A L’EXPLOITATION",
    "SECURITE DES COMMUNICATIONS",
    "ACQUISITION, DEVELOPPEMENT ET MAINTENANCE DES SYSTEMES D’INFORMATION",
    "RELATIONS AVEC LES FOURNISSEURS",
    "GESTION DES INCIDENTS DE CYBERSECURITE",
    "GESTION DE LA CONTINUITE DE L’ACTIVITE",
    "CONFORMITE",
)
SIZES = (4, 4, 4, 11, 17, 2, 12, 20, 8, 9, 3, 4, 3, 3)  # 104 rules
_KINDS = ("machine", "import", "declaration")


def directive() -> DirectiveText:
    """104 rules in 14 chapters, named as an official text names them."""
    controls = {}
    for chapter, size in enumerate(SIZES, 1):
        for n in range(1, size + 1):
            name = f"CH{chapter:02}-REGLE/{n}"
            controls[name] = ControlText(
                f"Règle {n} du chapitre {chapter}",
                chapter,
                "Limiter l'accès à l'information",
                {
                    "fr": "Tenir à jour la liste des habilitations et la revoir une fois par an.",
                    "en": "Keep the list of rights current and review it once a year.",
                },
                _KINDS[(chapter + n) % 3],
                {"fr": "registre daté", "en": "dated register"},
            )
    title = {
        "fr": "Directive nationale de la sécurité des systèmes d'information (DNSSI)",
        "en": "National Directive for the Security of Information Systems (DNSSI)",
    }
    return DirectiveText(title, dict(enumerate(CHAPTERS, 1)), controls, "DGSSI")


DIRECTIVES = {"ma-dnssi-2023": directive()}
