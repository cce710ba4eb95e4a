r"""The words of mail servers, and what they mean: a table in the order in which it is tried.

Words come first, as a generic code says little: 5.7.1 stands for anything from a missing login to spam. They are
matched in lower case, after addresses and links were taken out, so that neither `<blocked@example.com>` nor a link to
a page about spam is taken for a reason. `.{0,40}` lets a few words stand between two that belong together.
"""

import re
from dataclasses import dataclass

from digest.replies.kinds import ReplyKind as Kind


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One line of the table of words."""

    kind: Kind
    words: re.Pattern[str]
    """Found anywhere in the reply."""
    code: str = ""
    """How the reply's code begins; "" for any."""
    status: str = ""
    """The enhanced status code (RFC 3463) it must have, or ""."""
    source: str
    """Who says it so."""


def _rule(kind: Kind, source: str, *words: str, code: str = "", status: str = "") -> Rule:
    return Rule(kind=kind, words=re.compile("|".join(words)), code=code, status=status, source=source)


_MAILBOX = r"(user|recipient|mailbox|mbox|account|addressee|(e-?mail|destination|this|local) address)"
"""Not "address" alone, which may be ours: "your IP address is unknown"."""
_CLOSED = r"(disabled|inactive|suspended|deactivated|discontinued|frozen|closed|dormant|terminated)"
_STOPPED = r"(disabled|inactive|suspended|blocked|locked|paused|no longer)"
_IS = r"( (that you tried to (reach|contact)|is|has been|was|address|mailbox|account|currently|now))*[:, -]+"
"""What may stand between a mailbox and that it is closed; anything more may be about something else."""

WORDS: tuple[Rule, ...] = (
    # What would be misread further down
    _rule(Kind.RELAY_DENIED, "RFC 4954: any answer to a login", r"", code="53"),
    _rule(
        Kind.RELAY_DENIED, "RFC 3463: the sender's address is bad, whatever is said of a domain", r"", status="5.1.7"
    ),
    _rule(Kind.RELAY_DENIED, "RFC 3463: the sender's system is bad", r"", status="5.1.8"),
    _rule(
        Kind.RELAY_DENIED,
        "the domain of our own address, or of our own name",
        r"\bfrom: domain is invalid",
        r"provide a valid from",
        r"^invalid domain name$",
        code="5",
    ),
    _rule(
        Kind.POLICY,
        "Nate, Paran, Facebook: the reader's own list of senders",
        r"by user'?s? reject list",
        r"recipient preferences",
        r"수신 ?거부",
        r"mail is denied",
    ),
    _rule(
        Kind.SPAM, "blocklists of links: URIBL, SURBL, Spamhaus DBL", r"black ?listed (url|link)", r"uribl", r"surbl"
    ),
    _rule(
        Kind.THROTTLED,
        "Gmail 4.7.28, Outlook 4.7.650, Yahoo TSS04: slower, in their own words",
        r"rate[- ]limited",
        r"unusual rate",
        r"temporarily deferred",
        code="4",
    ),
    _rule(Kind.POLICY, "Gmail p=RfcMessageNonCompliant", r"rfc ?\d{3,4} complian", r"rfcmessagenoncompliant"),
    _rule(
        Kind.THROTTLED,
        "Gmail p=ReceivingRate: a mailbox that gets too much at once",
        r"receiving (e?mail|messages) (too quickly|at a rate)",
        r"receivingrate",
    ),
    _rule(
        Kind.RELAY_DENIED,
        "our own account at a relay: Amazon SES, Gmail, Microsoft 365, SendGrid",
        r"(daily|hourly|monthly|message|sending|credits?) (sending |message )?(quota|limit) (is |was )?exceeded",
        r"maximum credits exceeded",
        r"you( have|'ve) (exceeded|reached) your .{0,20}(limit|quota)",
        rf"\b(your|sender'?s?|sending)\b.{{0,30}}\baccount\b.{{0,20}} {_STOPPED}\b",
        r"sending (is |has been )?(paused|suspended)",
        r"bad outbound sender",
        code="5",
    ),
    # Who we are
    _rule(
        Kind.AUTHENTICATION,
        "Gmail 5.7.26, Outlook 5.7.509/515, Yahoo, Naver, iCloud; RFC 7372",
        r"\bdmarc\b",
        r"\bspf\b",
        r"\bdkim\b",
        r"sender policy framework",
        r"unauthenticated (e-?mail|message|sender)",
        r"(message|e-?mail) (is |was )?not authenticated",
        r"fails? (to pass )?(the )?authentication",
        r"required authentication level",
        r"발신자? ?(도메인 ?)?인증",
    ),
    _rule(
        Kind.AUTHENTICATION,
        "reverse DNS: Gmail 5.7.25, GMX, Postfix, Exim, Sendmail",
        r"reverse[- ]dns",
        r"\br-?dns\b",
        r"\bptr\b",
        r"cannot find your (reverse )?hostname",
        r"client host.{0,60}(not found|unknown)",
        r"ip name lookup failed",
        r"unverif[iy]able sending ip",
        r"역방향",
    ),
    # Whether our relay works for us
    _rule(
        Kind.RELAY_DENIED,
        "relaying: Postfix, Exim, Sendmail, Exchange, qmail",
        r"relay(ing)? (access )?(is )?(denied|prohibited|not (allowed|permitted)|operation rejected)",
        r"(unable|not permitted|not allowed|refus(ed|es?)) to relay",
        r"no relaying",
        r"we do not relay",
        r"insecure mail relay",
        r"tenantattribution",
        r"릴레이",
    ),
    _rule(
        Kind.RELAY_DENIED,
        "login: RFC 4954, Exchange 5.7.57, Gmail",
        r"authentication (is )?(required|needed|failed|credentials invalid)",
        r"must (first )?authenticate",
        r"client (was |is )?not authenticated",
        r"username and password not accepted",
        r"로그인이? ?필요",
    ),
    _rule(
        Kind.RELAY_DENIED,
        "the sender's address: Postfix, Exim, Exchange 5.7.60, Amazon SES",
        r"\bsender\b.{0,40} (rejected|refused|denied|unknown|invalid|not found|(does not|must) exist|is not)",
        r"(unroutable|unrouteable|invalid|bad|unknown) sender",
        r"\b(your|mail from|return[- ]path|envelope)\b.{0,40} (unknown|invalid|not found|(does not|must) exist)",
        r"sender verif",
        r"not owned by user",
        r"sendasdenied",
        r"send (mail )?as this sender",
        r"e-?mail address is not verified",
        r"domain of sender address",
        r"purported +responsible",
    ),
    _rule(
        Kind.RELAY_DENIED,
        "the conversation: RFC 5321, 4.3.2; names in EHLO",
        r"bad sequence",
        r"(need|send|must issue a?) (mail|rcpt|starttls|helo|ehlo)\b",
        r"(helo|ehlo) command rejected",
        r"invalid (helo|ehlo)",
    ),
    # Whether the mailbox is gone
    _rule(
        Kind.RECIPIENT_UNKNOWN,
        "Microsoft 365: directory-based edge blocking",
        r"recipient address rejected: access denied",
        code="5",
    ),
    _rule(
        Kind.TEMPORARY,
        "a mailbox that is closed for a while",
        r"temporar\w+ (disabled|suspended|deactivated|inactive|locked|unavailable)",
        code="4",
    ),
    _rule(
        Kind.PERMANENT_UNKNOWN,
        "a mailbox that is closed for a while",
        r"temporar\w+ (disabled|suspended|deactivated|inactive|locked|unavailable)",
        code="5",
    ),
    _rule(
        Kind.NOT_ACCEPTING,
        "Gmail p=DisabledUser, Yahoo, iCloud, Nate, mail.ua; Naver and Daum: dormant",
        rf"{_MAILBOX}'?s?{_IS}{_CLOSED}\b",
        rf"\b{_CLOSED} {_MAILBOX}\b",
        r"disableduser",
        rf"{_MAILBOX}{_IS}no longer (active|in use|available|valid|accept)",
        r"휴면|탈퇴|해지된|이용 ?정지|사용 ?중지|비활성",
        code="5",
    ),
    _rule(
        Kind.NOT_ACCEPTING,
        "RFC 7504, RFC 7505: a host without mail",
        r"(host|domain|server) (does not|never) accepts? (any )?(e-?mail|mail|messages)(?! from)",
        r"(mx|srv) record indicated no smtp service",
        r"no (mx|mail server)( records?)? (was |were )?found (for|in) (the )?domain",
        r"null ?mx",
        code="5",
    ),
    _rule(Kind.NOT_ACCEPTING, "RFC 7504", r"not accepting network messages", code="521"),
    _rule(
        Kind.MOVED,
        "RFC 5321, 3.4 (551); Sendmail",
        r"(user|recipient|mailbox|account) has moved",
        r"no longer on (this )?server",
        r"not our (user|customer)",
        r"address (has )?changed",
        r"주소가? ?(변경|바뀌)",
        code="5",
    ),
    _rule(
        Kind.RECIPIENT_UNKNOWN,
        "Postfix, Exim, Sendmail, qmail, Gmail p=NoSuchUser, Yahoo, Proofpoint, Mimecast, Naver, Daum RUSR",
        rf"\b{_MAILBOX}( name| address)?( is)?:? (unknown|not (found|known|recogni[sz]ed))",
        rf"\b(unknown|no such|invalid|nonexistent|non-existent) (local |virtual )?{_MAILBOX}\b",
        r"no such (person|local part|name)\b",
        rf"\b{_MAILBOX}\b.{{0,40}}(does not|doesn'?t|did not) exist",
        r"does(n'?t| not) have an? \S+ account",
        r"(is |are )?not a (valid|known) (user|mailbox|recipient|address|account)",
        r"no (mailbox|such user|user) (here|by that name)",
        r"\b(user|recipient|name)\b.{0,60} not (listed )?in .{0,20}(directory|address book)",
        r"recipient name is not recogni[sz]ed",
        r"no valid recipients",
        r"(^|# ?)address rejected\.?$",
        r"recipient address rejected\.?$",
        r"address (could ?n[o']?t|could not|was ?n[o']?t|was not) (be )?found",
        r"user (does )?not exist",
        r"check if (the )?address is correct",
        r"invalid final delivery userid",
        r"account or domain may not exist",
        r"(user )?mailbox not found",
        r"(ディレクトリ|ﾃﾞｨﾚｸﾄﾘ).{0,20}(ありません|見つかりません)",
        r"(宛先|ユーザー?|メールアドレス).{0,20}(存在しません|見つかりません|不明)",
        r"recip(ient)?notfound",
        r"nosuchuser",
        r"unroute?able address",
        r"bad destination mailbox",
        r"(존재하지 ?않는|없는) ?(사용자|수신자|계정|메일|주소|아이디|편지함)",
        r"(사용자|수신자|계정|메일 ?주소|아이디)[가를이은는]? ?(없습니다|존재하지|찾을 ?수)",
        code="5",
    ),
    _rule(
        Kind.RECIPIENT_UNKNOWN,
        "Outlook.com; RFC 5321 gives these words to refusals by policy too, so they need its code",
        r"mailbox unavailable",
        code="5",
        status="5.5.0",
    ),
    _rule(
        Kind.TEMPORARY,
        "Postfix: a name server that is broken, not a name that is gone",
        r"malformed or unexpected name server reply",
        r"host (or domain )?name not found,? try again",
        r"name ?server (failure|error|timeout)",
        r"host name lookup failure",
    ),
    _rule(
        Kind.HOST_UNKNOWN,
        "Sendmail, Postfix, Exim",
        r"(host|domain)( name)?( is)? (unknown|not found|invalid)",
        r"(unknown|no such|invalid|nonexistent) (mail )?(host|domain)",
        r"(domain|(^|[: ])[\w-]+(\.[\w-]+)+) does(n'?t| not) exist",
        r"mx records? points? to non-?existent hosts?",
        r"\bhost \S+ not found",
        r"domain is not reachable",
        r"lowest numbered mx record points to local host",
        r"unroute?able mail domain",
        r"nxdomain",
        r"(없는|존재하지 ?않는) ?도메인",
        code="5",
    ),
    # What fits
    _rule(
        Kind.MAILBOX_FULL,
        "Gmail p=OverQuota, Yahoo, Exchange, Postfix, Naver",
        r"(mailbox|inbox|mail ?drop|mail ?folder)\b.{0,30}\bfull\b",
        r"(full|over ?quota) (mailbox|inbox)",
        r"over[- ]?(the )?(disk |storage )?quota",
        r"quota (is |has been |was )?exceeded",
        r"exceed\w* (the |its |his |their |disk |mail(box)? |user )*quota",
        r"quotaexceeded",
        r"out of (storage|disk)( space)?",
        r"(not enough|insufficient|no) (disk |storage )*(space|room) (in|for|left).{0,20}(mailbox|user|recipient)",
        r"exceeded storage allocation",
        r"(편지함|메일함|사서함|받은).{0,15}(가득|초과|부족|꽉)",
        r"용량.{0,6}(가득|초과|부족)",
    ),
    _rule(
        Kind.TOO_LARGE,
        "RFC 1870; Exchange, Postfix, Gmail",
        r"(message|mail|content|size)( is| was)? too (big|large|long)",
        r"(message|mail|e-?mail) (size|length)\b.{0,30}(exceed|limit|max|larger)",
        r"exceed\w* .{0,40}(message|mail|content|size) (size|length|limit)",
        r"(larger|bigger) than .{0,30}(limit|maximum|allowed)",
        r"too (big|large) for",
        r"(메일|첨부|본문).{0,12}크기",
    ),
    # How fast
    _rule(
        Kind.THROTTLED,
        "greylisting: Postgrey, Exim, Proofpoint",
        r"gr[ea]y-?list",
        r"first (seen|time).{0,40}(try|retry|later)",
    ),
    _rule(
        Kind.THROTTLED,
        "Gmail, Outlook, Yahoo, Naver 4.3.1, Daum CCRT/CHIC, Postfix anvil, GoDaddy",
        r"too (many|much) (concurrent |simultaneous |smtp |unknown )?"
        r"(connections?|sessions?|messages|e-?mails|mails?|recipients|requests|commands|deliveries)",
        r"(sends?|sent) (to )?too many",
        r"rate (limit|control|exceed|is too)",
        r"limit(ing)? (the )?rate",
        r"(connection|message|recipient|mail|sending|hourly|daily) (rate |count )*limit",
        r"throttl",
        r"too (fast|quickly|often|frequent)",
        r"slow(ing)? down",
        r"(server|network|system|service) (is |are )?(too |currently |temporarily )*(busy|overloaded)\b",
        r"(try|come back) (again )?later",
        r"(연결|접속|발송|전송).{0,12}(제한|한도|초과)",
        r"(잠시|나중).{0,8}다시",
        code="4",
    ),
    _rule(
        Kind.THROTTLED,
        "the same as a final refusal",
        r"too many (concurrent |simultaneous |smtp )?(connections?|sessions?|messages|e-?mails|mails?|recipients)",
        r"(sends?|sent) (to )?too many",
        r"rate limit",
        code="5",
    ),
    # Whether we are wanted
    _rule(
        Kind.BLOCKED,
        "blocklists: Spamhaus, SpamCop, SORBS, Barracuda, KISA-RBL, Cloudmark CSI, Proofpoint PDR",
        r"\brbl\b",
        r"kisa",
        r"dnsbl",
        r"spamhaus|spamcop|sorbs|barracuda|cloudmark|ipcheck|senderbase|sender score",
        r"(black|block|deny)[- ]?list",
        r"blocked (using|by|for|due)",
        r"listed (in|at|by|on) ",
        r"\(bl\)",
    ),
    _rule(
        Kind.BLOCKED,
        "an address, a network or its reputation: Gmail, Outlook S3140/S3150, iCloud, Naver, Hanmail, Mimecast",
        r"\breputation\b",
        r"\bbanned\b",
        r"\b(ip|network|server|host|connections?)\b.{0,60}\b(blocked|filtered|denied|banned|not accepted)\b",
        r"register your ip",
        r"ip_control",
        r"client host( .{0,60})? (rejected|blocked)",
        r"not accepting connections",
        r"refused to talk",
        r"access (was |is )?denied",
        r"permanently deferred",
        r"\bs31[45]0\b",
        r"(not authorized|not allowed) to send (e-?mail|mail) directly",
        r"smtp server of your (isp|provider)",
        r"dynamic ip",
        r"open relay",
        r"no smtp service",
        r"(ip|아이피|발신 ?서버|발송 ?서버).{0,20}(차단|거부)",
    ),
    _rule(
        Kind.SPAM,
        "contents: Gmail, Outlook, Yahoo, Hanmail, Cloudmark, Proofpoint, SpamAssassin, amavis, ClamAV",
        r"\bspam",
        r"\b(anti|suspected)[- ]?spam",
        r"unsolicited",
        r"\bbulk (mail|e-?mail)\b",
        r"\bjunk\b",
        r"content (is |was )?(rejected|presents|blocked|refused|filter)",
        r"virus|malware|phish|malicious|infected",
        r"suspicious",
        r"스팸|광고성?",
        r"차단",
    ),
    _rule(
        Kind.POLICY,
        "Yahoo 5.7.9, Gmail (RFC 5322), Exchange transport rules, amavis",
        r"\bpolicy\b|\bpolicies\b",
        r"rfc ?\d{3,4}|not rfc|rfc[- ]complian",
        r"protocol violation",
        r"header error|(bad|invalid|missing|multiple|duplicate) .{0,30}header",
        r"multiple .{0,12}addresses in from",
        r"prohibited|forbidden|not permitted",
        r"(message|mail|content) (is |was )?not allowed",
        r"restricted",
        r"정책",
    ),
)
"""What servers say, in the order in which it is tried."""
