"""What is asked of a directory, by product. Data: `sovaudit plan` prints it, an export is sorted by it, the evidence names it.

No attribute that holds a secret is asked for with its values: `types_only` shows that it is there, `masked` keeps a password's scheme alone.
"""

from __future__ import annotations

from dataclasses import dataclass

Match = tuple[tuple[str, str], ...]

SECRETS = (
    "userpassword unicodepwd ntpwdhistory lmpwdhistory dbcspwd supplementalcredentials sambantpassword sambalmpassword krbprincipalkey krbmkey "
    "krbpwdhistory oathsecret ipatokenotpkey ipatokenradiussecret ipanthash olcrootpw olcdbbindcredentials olcsyncrepl pwdhistory passwordhistory "
    "nsslapd-rootpw nsds5replicacredentials nsmultiplexorcredentials ms-mcs-admpwd mslaps-password mslaps-encryptedpassword "
    "mslaps-encryptedpasswordhistory mslaps-encrypteddsrmpassword msds-managedpassword msds-keymaterial sshprivatekey "
    "nskeyencryptionsecret nssymmetrickey authpassword currentvalue priorvalue initialauthincoming initialauthoutgoing trustauthincoming trustauthoutgoing"
).split()
"""Attributes whose values never enter evidence, whoever sends them."""


@dataclass(frozen=True, slots=True)
class Search:
    """One search. base: a DN with {base}, {domain}, {config} to fill in. match: any of these (attribute, value), `*` for presence; none: every entry.

    types_only: names of attributes, no values. masked: of these attributes only a password's scheme is kept. sd_flags: parts of security
    descriptors to ask for (MS-ADTS 3.1.1.3.4.1.11; 7: all but the auditing part). limit: as many entries will do. anonymous: asked by a
    second connection that has not bound.
    """

    name: str
    base: str
    scope: str
    match: Match
    attributes: tuple[str, ...]
    types_only: bool = False
    masked: tuple[str, ...] = ()
    sd_flags: int = 0
    limit: int = 0
    anonymous: bool = False

    @property
    def filter(self) -> str:
        """RFC 4515. The values are ours: nothing of a target's is ever put into a filter."""
        each = [f"({attribute}={value})" for attribute, value in self.match] or ["(objectClass=*)"]
        return each[0] if len(each) == 1 else f"(|{''.join(each)})"


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _classes(text: str) -> Match:
    return tuple(("objectClass", name) for name in text.split())


ROOT_DSE = Search(
    "rootdse", "", "base", (),
    _words(
        "namingContexts defaultNamingContext configurationNamingContext schemaNamingContext rootDomainNamingContext configContext monitorContext "
        "vendorName vendorVersion objectClass supportedCapabilities supportedControl supportedSASLMechanisms supportedLDAPVersion supportedExtension "
        "domainFunctionality forestFunctionality domainControllerFunctionality currentTime dnsHostName dsServiceName isGlobalCatalogReady "
        "nsBackendSuffix dataversion netscapemdsuffix ipaTopologyPluginVersion ipaDomainLevel"
    ),
)  # fmt: skip

ANONYMOUS = (
    Search("anonymous", "{base}", "sub", (), ("*", "+"), types_only=True, limit=200, anonymous=True),
    Search("anonymous-passwords", "{base}", "sub", (("userPassword", "*"),), ("userPassword",), types_only=True, limit=20, anonymous=True),
)

_POSIX = "uid cn displayName mail employeeNumber uidNumber gidNumber loginShell objectClass createTimestamp modifyTimestamp "
_SHADOW = "shadowLastChange shadowMax shadowExpire shadowInactive "

_PWD_POLICY = (
    "cn objectClass pwdAttribute pwdMinLength pwdMaxLength pwdCheckQuality pwdInHistory pwdMaxAge pwdMinAge pwdExpireWarning pwdGraceAuthNLimit "
    "pwdGraceExpiry pwdLockout pwdLockoutDuration pwdMaxFailure pwdFailureCountInterval pwdMustChange pwdAllowUserChange pwdSafeModify "
    "pwdMaxRecordedFailure pwdMinDelay pwdMaxDelay pwdMaxIdle pwdCheckModule pwdUseCheckModule pwdCheckModuleArg"
)

OPENLDAP = (
    Search(
        "accounts", "{base}", "sub",
        (*_classes("person posixAccount account simpleSecurityObject shadowAccount"), ("userPassword", "*")),
        _words(
            _POSIX + _SHADOW + "entryUUID pwdPolicySubentry pwdChangedTime pwdAccountLockedTime pwdReset pwdLastSuccess authTimestamp pwdStartTime "
            "pwdEndTime pwdFailureTime oathTOTPToken oathHOTPToken oathTOTPParams oathHOTPParams krbPrincipalName krbPrincipalExpiration"
        ),
    ),
    Search("passwords", "{base}", "sub", (("userPassword", "*"),), ("userPassword",), masked=("userpassword",)),
    Search(
        "groups", "{base}", "sub", _classes("groupOfNames groupOfUniqueNames posixGroup organizationalRole groupOfURLs dynamicGroup groupOfMembers"),
        _words("cn objectClass gidNumber entryUUID member uniqueMember memberUid roleOccupant memberURL description"),
    ),
    Search(
        "policies", "{base}", "sub", _classes("pwdPolicy"),
        _words(_PWD_POLICY),
    ),
    Search("tokens", "{base}", "sub", _classes("oathToken oathTOTPToken oathHOTPToken oathParams oathTOTPParams oathHOTPParams"),
           _words("objectClass cn oathTOTPParams oathHOTPParams oathOTPLength oathHMACAlgorithm oathTOTPTimeStepPeriod")),
    Search("containers", "{base}", "sub", _classes("organizationalUnit organization dcObject domain locality country container"),
           _words("objectClass hasSubordinates")),
    Search("token-secrets", "{base}", "sub", (("oathSecret", "*"),), ("oathSecret",), types_only=True),
    Search(
        "config", "cn=config", "sub", _classes("olcGlobal olcDatabaseConfig olcOverlayConfig olcModuleList"),
        _words(
            "objectClass cn olcDatabase olcOverlay olcSuffix olcAccess olcRootDN olcReadOnly olcHidden olcDisabled olcLimits olcSizeLimit olcTimeLimit "
            "olcSecurity olcRequires olcRestrict olcDisallows olcAllows olcLocalSSF olcTLSProtocolMin olcTLSCipherSuite olcTLSVerifyClient "
            "olcTLSCertificateFile olcTLSCACertificateFile olcPasswordHash olcPasswordCryptSaltFormat olcLogLevel olcLogFile olcLastBind "
            "olcLastBindPrecision olcAuthzRegexp olcAuthzPolicy olcSaslSecProps olcSaslHost olcModuleLoad olcModulePath olcPPolicyDefault "
            "olcPPolicyHashCleartext olcPPolicyUseLockout olcPPolicyForwardUpdates olcPPolicyDisableWrite olcPPolicyCheckModule olcPPolicySendNetscapeControls "
            "olcAccessLogDB olcAccessLogOps olcAccessLogSuccess olcAccessLogPurge olcAccessLogBase olcAccessLogOld olcAccessLogOldAttr olcAuditlogFile "
            "olcMemberOfGroupOC olcMemberOfMemberAD olcMemberOfDangling olcMonitoring olcMirrorMode olcMultiProvider olcAddContentAcl olcReverseLookup"
        ),
    ),
    Search("root-passwords", "cn=config", "sub", (("olcRootPW", "*"),), ("olcRootPW",), masked=("olcrootpw",)),
    Search("access-log", "cn=accesslog", "sub", (("reqStart", "*"),), _words("objectClass reqStart reqType reqResult reqMethod"), limit=50),
    *ANONYMOUS,
)  # fmt: skip

_AD_ACCOUNT = (
    "sAMAccountName userPrincipalName objectSid objectClass sAMAccountType userAccountControl pwdLastSet lastLogonTimestamp lastLogon accountExpires "
    "lockoutTime logonHours primaryGroupID adminCount servicePrincipalName sIDHistory msDS-AllowedToDelegateTo msDS-AllowedToActOnBehalfOfOtherIdentity "
    "msDS-SupportedEncryptionTypes msDS-AssignedAuthNPolicySilo msDS-AssignedAuthNPolicy msDS-GroupMSAMembership mail employeeID employeeNumber "
    "uidNumber gidNumber whenCreated"
)

AD = (
    Search(
        "domain", "{domain}", "base", (),
        _words(
            "objectSid objectClass minPwdLength pwdProperties pwdHistoryLength maxPwdAge minPwdAge lockoutThreshold lockoutDuration lockOutObservationWindow "
            "ms-DS-MachineAccountQuota msDS-Behavior-Version msDS-ExpirePasswordsOnSmartCardOnlyAccounts msDS-LogonTimeSyncInterval gPLink whenCreated "
            "fSMORoleOwner nTMixedDomain wellKnownObjects"
        ),
    ),
    Search(
        "accounts", "{domain}", "sub",
        (("sAMAccountType", "805306368"), ("sAMAccountType", "805306369"), ("sAMAccountType", "805306370")), _words(_AD_ACCOUNT),
    ),
    Search(
        "groups", "{domain}", "sub", _classes("group"),
        _words("sAMAccountName objectSid objectClass groupType member adminCount sIDHistory whenCreated"),
    ),
    Search("foreign", "{domain}", "sub", _classes("foreignSecurityPrincipal"), _words("objectSid objectClass cn")),
    Search("policy-container", "CN=Password Settings Container,CN=System,{domain}", "sub", (), _words("objectClass cn")),
    Search(
        "policies", "CN=Password Settings Container,CN=System,{domain}", "sub", _classes("msDS-PasswordSettings"),
        _words(
            "cn objectClass objectGUID msDS-PasswordSettingsPrecedence msDS-MinimumPasswordLength msDS-PasswordComplexityEnabled msDS-PasswordHistoryLength "
            "msDS-MaximumPasswordAge msDS-MinimumPasswordAge msDS-LockoutThreshold msDS-LockoutDuration msDS-LockoutObservationWindow "
            "msDS-PasswordReversibleEncryptionEnabled msDS-PSOAppliesTo"
        ),
    ),
    Search("applied-policies", "{domain}", "sub", (("adminCount", "1"), ("msDS-PSOApplied", "*")),
           _words("objectClass sAMAccountName adminCount msDS-ResultantPSO msDS-PSOApplied")),
    Search(
        "descriptors", "{domain}", "sub",
        (("adminCount", "1"), ("objectClass", "domainDNS"), ("objectClass", "organizationalUnit"), ("objectClass", "groupPolicyContainer"),
         ("cn", "AdminSDHolder"), ("cn", "MicrosoftDNS"), ("objectClass", "builtinDomain"), ("primaryGroupID", "516"), ("primaryGroupID", "521")),
        _words("objectClass objectSid sAMAccountName nTSecurityDescriptor"), sd_flags=7,
    ),
    Search("configuration", "{config}", "base", (), _words("objectClass nTSecurityDescriptor"), sd_flags=7),
    Search("schema", "{schema}", "base", (), _words("objectClass nTSecurityDescriptor"), sd_flags=7),
    Search("sites", "CN=Sites,{config}", "sub", _classes("site"), _words("objectClass gPLink nTSecurityDescriptor"), sd_flags=7),
    Search(
        "gpos", "{domain}", "sub", _classes("groupPolicyContainer"),
        _words("cn displayName objectClass flags gPCFileSysPath gPCMachineExtensionNames versionNumber"),
    ),
    Search("links", "{domain}", "sub", (("gPLink", "*"),), _words("objectClass gPLink gPOptions")),
    Search("trusts", "CN=System,{domain}", "one", _classes("trustedDomain"),
           _words("cn objectClass trustDirection trustType trustAttributes trustPartner whenCreated")),
    Search("silos", "CN=AuthN Policy Configuration,CN=Services,{config}", "sub", _classes("msDS-AuthNPolicySilo msDS-AuthNPolicy"),
           _words("cn objectClass msDS-AuthNPolicySiloEnforced msDS-AuthNPolicyEnforced msDS-AuthNPolicySiloMembers msDS-UserAuthNPolicy "
                  "msDS-UserTGTLifetime msDS-UserAllowedToAuthenticateFrom")),
    Search("directory-service", "CN=Directory Service,CN=Windows NT,CN=Services,{config}", "base", (),
           _words("objectClass dSHeuristics msDS-Other-Settings tombstoneLifetime")),
    Search("laps-schema", "{schema}", "one", (("lDAPDisplayName", "ms-Mcs-AdmPwdExpirationTime"), ("lDAPDisplayName", "msLAPS-PasswordExpirationTime")),
           _words("objectClass cn lDAPDisplayName")),
    Search("controllers", "CN=Sites,{config}", "sub", _classes("nTDSDSA"), _words("objectClass cn options msDS-Behavior-Version")),
    *ANONYMOUS,
)  # fmt: skip

_POLICY_389 = (
    "passwordMinLength passwordCheckSyntax passwordMinDigits passwordMinAlphas passwordMinUppers passwordMinLowers passwordMinSpecials passwordMin8bit "
    "passwordMinCategories passwordMaxRepeats passwordMinTokenLength passwordDictCheck passwordDictPath passwordPalindrome passwordMaxSequence passwordMaxClassChars "
    "passwordUserAttributes passwordBadWords passwordHistory passwordInHistory passwordExp passwordMaxAge passwordMinAge passwordWarning "
    "passwordGraceLimit passwordMustChange passwordChange passwordLockout passwordMaxFailure passwordUnlock passwordLockoutDuration "
    "passwordResetFailureCount passwordStorageScheme passwordTrackUpdateTime passwordSendExpiringTime passwordIsGlobalPolicy passwordAdminDN "
    "passwordLegacyPolicy passwordTPRMaxUse passwordInheritGlobal"
)
_ACCOUNT_389 = (
    _POSIX
    + _SHADOW
    + "nsUniqueId nsAccountLock nsRole nsRoleDN passwordExpirationTime passwordAllowChangeTime passwordRetryCount accountUnlockTime pwdUpdateTime "
    "passwordExpWarned pwdpolicysubentry lastLoginTime entryUUID krbPrincipalName krbLastPwdChange krbPasswordExpiration krbPrincipalExpiration "
    "krbLastSuccessfulAuth krbPwdPolicyReference ipaUserAuthType ipaUniqueID ipaNTSecurityIdentifier memberOf manager ipatokenRadiusConfigLink"
)

DS389 = (
    Search("accounts", "{base}", "sub", _classes("person posixAccount account simpleSecurityObject shadowAccount"), _words(_ACCOUNT_389)),
    Search("passwords", "{base}", "sub", (("userPassword", "*"),), ("userPassword",), masked=("userpassword",)),
    Search(
        "groups", "{base}", "sub", _classes("groupOfNames groupOfUniqueNames posixGroup ldapSubEntry nsRoleDefinition groupOfURLs ipaUserGroup"),
        _words(
            "cn objectClass gidNumber nsUniqueId entryUUID ipaUniqueID member uniqueMember memberUid memberURL nsRoleDN nsRoleFilter cosTemplateDn "
            "cosSpecifier cosAttribute description"
        ),
    ),
    Search("policies", "{base}", "sub", _classes("passwordpolicy costemplate ldapsubentry"),
           _words(f"cn objectClass cosPriority pwdpolicysubentry krbPwdPolicyReference cosTemplateDn cosSpecifier cosAttribute nsAccountLock {_POLICY_389}")),
    Search("access", "{base}", "sub", (("aci", "*"),), _words("objectClass aci")),
    Search("config-access", "cn=config", "sub", (("aci", "*"),), _words("objectClass aci")),
    Search(
        "config", "cn=config", "base", (),
        _words(
            f"cn objectClass {_POLICY_389} nsslapd-pwpolicy-local nsslapd-pwpolicy-inherit-global nsslapd-allow-anonymous-access nsslapd-require-secure-binds "
            "nsslapd-minssf nsslapd-minssf-exclude-rootdse nsslapd-accesslog-logging-enabled nsslapd-accesslog-level nsslapd-accesslog-maxlogsperdir "
            "nsslapd-accesslog-logexpirationtime nsslapd-accesslog-logexpirationtimeunit nsslapd-accesslog-logmaxdiskspace nsslapd-accesslog-maxlogsize "
            "nsslapd-accesslog-logrotationtime nsslapd-accesslog-logrotationtimeunit nsslapd-accesslog-logbuffering nsslapd-auditlog-logging-enabled "
            "nsslapd-auditlog-maxlogsperdir nsslapd-auditlog-logexpirationtime nsslapd-auditlog-logexpirationtimeunit nsslapd-auditlog-logmaxdiskspace nsslapd-auditlog-logrotationtime nsslapd-auditlog-logrotationtimeunit nsslapd-auditlog-logbuffering "
            "nsslapd-securitylog-maxlogsize nsslapd-securitylog-logmaxdiskspace nsslapd-securitylog-logrotationtime nsslapd-securitylog-logrotationtimeunit "
            "nsslapd-auditlog-maxlogsize nsslapd-auditfaillog-logging-enabled nsslapd-securitylog-logging-enabled nsslapd-securitylog-maxlogsperdir "
            "nsslapd-securitylog-logexpirationtime nsslapd-securitylog-logexpirationtimeunit nsslapd-rootdn nsslapd-rootpwstoragescheme nsslapd-security "
            "nsslapd-port nsslapd-securePort nsslapd-unhashed-pw-switch nsslapd-allow-unauthenticated-binds nsslapd-return-exact-case nsslapd-allow-hashed-passwords nsslapd-accesslog-logrotationsync-enabled"
        ),
    ),
    Search("plugins", "cn=plugins,cn=config", "one", (), _words("cn objectClass nsslapd-pluginEnabled nsslapd-pluginarg0 nsslapd-pluginarg1")),
    Search("account-policies", "cn=config,cn=Account Policy Plugin,cn=plugins,cn=config", "base", (),
           _words("cn objectClass alwaysrecordlogin alwaysrecordloginattr stateattrname altstateattrname specattrname limitattrname")),
    Search("backends", "cn=mapping tree,cn=config", "sub", (), _words("cn objectClass nsslapd-state nsslapd-backend nsslapd-referral")),
    Search(
        "ipa", "{base}", "sub",
        _classes("ipaGuiConfig ipaConfigObject krbPwdPolicy ipaToken ipaTokenTOTP ipaTokenHOTP ipatokenRadiusConfiguration ipaHost ipaService krbService"),
        _words(
            "cn objectClass ipaUserAuthType ipaConfigString ipatokenOwner ipatokenDisabled ipatokenNotBefore ipatokenNotAfter ipatokenUniqueID krbMinPwdLength "
            "krbPwdMinLength krbPwdMinDiffChars krbPwdHistoryLength krbMaxPwdLife krbMinPwdLife krbPwdMaxFailure krbPwdFailureCountInterval "
            "krbPwdLockoutDuration passwordGraceLimit ipaPwdMaxRepeat ipaPwdMaxSequence ipaPwdDictCheck ipaPwdUserCheck krbPrincipalName "
            "krbPrincipalAuthInd cosPriority ipatokenRadiusServer"
        ),
    ),
    *ANONYMOUS,
)  # fmt: skip

IPA_CONFIG = Search("ipa-config", "cn=ipaConfig,cn=etc,{base}", "base", (), ("objectClass",))
"""What tells a tree of FreeIPA, where the server does not say what it is."""

FOLLOWED = {
    "ad": Search("guarded", "", "base", (), _words("objectClass objectSid sAMAccountName nTSecurityDescriptor"), sd_flags=7),
    "openldap": Search("named", "", "base", (), _words(f"hasSubordinates member uniqueMember roleOccupant memberUid {_PWD_POLICY}")),
}
"""What is asked of entries that the searches before have shown to matter (facts/directories/followed.py), one by one."""

BY_RULES = Search("rule-attributes", "{base}", "sub", (), _words("objectClass hasSubordinates"))
"""What an OpenLDAP's access rules look at in entries: the attributes that they name, of entries that have one of them, or of every entry where
rules may show strangers what no name tells. Asked only where they do.
"""

PRODUCTS: dict[str, tuple[Search, ...]] = {"ad": AD, "openldap": OPENLDAP, "389": DS389}
