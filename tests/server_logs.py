"""Logs of mail servers, invented, with the lines that real ones write around a message."""

from datetime import timedelta


def syslog(moment, words, host="mx"):
    """As rsyslog writes it by default: no year, no timezone."""
    return f"{moment:%b} {moment.day:2d} {moment:%H:%M:%S} {host} {words}\n"


def iso(moment, words, host="mx"):
    """As Debian 12 and `journalctl -o short-iso` write it."""
    return f"{moment:%Y-%m-%dT%H:%M:%S.123456}+00:00 {host} {words}\n"


def rfc5424(moment, words, host="mx"):
    daemon, _, rest = words.partition("[")
    pid, _, said = rest.partition("]: ")
    return f"<22>1 {moment:%Y-%m-%dT%H:%M:%S.123456}Z {host} {daemon} {pid} - - {said}\n"


def journal_json(moment, words, host="mx"):
    daemon, _, rest = words.partition("[")
    said = rest.partition("]: ")[2].replace("\\", "\\\\").replace('"', '\\"')
    stamp = int(moment.timestamp()) * 1_000_000
    return (
        f'{{"__REALTIME_TIMESTAMP" : "{stamp}", "_HOSTNAME" : "{host}", "SYSLOG_IDENTIFIER" : "{daemon}", '
        f'"MESSAGE" : "{said}"}}\n'
    )


def journal_export(moment, words, host="mx"):
    daemon, _, rest = words.partition("[")
    said = rest.partition("]: ")[2]
    stamp = int(moment.timestamp()) * 1_000_000
    return (
        f"__CURSOR=s=1\n__REALTIME_TIMESTAMP={stamp}\n_HOSTNAME={host}\nSYSLOG_IDENTIFIER={daemon}\nMESSAGE={said}\n\n"
    )


FORMS = (syslog, iso, rfc5424, journal_json, journal_export)
SENT = "status=sent (250 2.0.0 Ok: queued as 5F)"


def postfix(moment, message_id, recipient, status=SENT, *, queue_id="4ZqT3k1Hn2z9vB", form=iso, agent="smtp"):
    """A message that Postfix takes and delivers, or tries to."""
    steps = (
        (0, "postfix/smtpd[101]: connect from client.example[192.0.2.9]"),
        (0, f"postfix/smtpd[101]: {queue_id}: client=client.example[192.0.2.9]"),
        (0, f"postfix/cleanup[102]: {queue_id}: message-id={message_id}"),
        (0, f"postfix/qmgr[103]: {queue_id}: from=<news@hanbit.example>, size=41220, nrcpt=1 (queue active)"),
        (
            1,
            (
                f"postfix/{agent}[104]: {queue_id}: to=<{recipient}>, relay=mx.example.com[192.0.2.25]:25, delay=0.8, "
                f"delays=0.01/0/0.3/0.5, dsn=2.0.0, {status}"
            ),
        ),
        (1, f"postfix/qmgr[103]: {queue_id}: removed"),
    )
    if "deferred" in status:
        steps = steps[:-1]
    return "".join(form(moment + timedelta(seconds=after), words) for after, words in steps)


def postfix_cut_off(moment, message_id, *, queue_id="4ZqT3k1Hn2z9vC", form=iso):
    """A connection that broke while the message was under way: its header was read and nothing was taken."""
    return "".join(
        form(moment, words)
        for words in (
            f"postfix/smtpd[101]: {queue_id}: client=client.example[192.0.2.9]",
            f"postfix/cleanup[102]: {queue_id}: message-id={message_id}",
            "postfix/smtpd[101]: lost connection after DATA (12345 bytes) from client.example[192.0.2.9]",
        )
    )


def exim(moment, message_id, recipient, *, queue_id="1sAbCd-00000001xYz-2aBc", sign="=>", said=' C="250 2.0.0 OK"'):
    """A message that Exim takes and delivers, or tries to."""
    at = f"{moment:%Y-%m-%d %H:%M:%S}"
    lines = [
        f"{at} {queue_id} <= news@hanbit.example H=client.example [192.0.2.9] P=esmtps S=41220 id={message_id[1:-1]}",
        f"{at} {queue_id} {sign} {recipient} R=dnslookup T=remote_smtp H=mx.example.com [192.0.2.25]{said}",
    ]
    if sign != "==":
        lines.append(f"{at} {queue_id} Completed")
    return "".join(f"{line}\n" for line in lines)


def kumo(moment, message_id, recipient, *kinds, record_id="1d98076abbbc11ed940250ebf67f93bd", said="OK", code=250):
    """Records of KumoMTA, with the header logged as `headers = { 'Message-ID' }` asks for."""
    stamp = int(moment.timestamp())
    return "".join(
        f'{{"type":"{kind}","id":"{record_id}","sender":"news@hanbit.example","recipient":"{recipient}",'
        f'"queue":"example.com","response":{{"code":{code},"enhanced_code":{{"class":{code // 100},"subject":1,'
        f'"detail":1}},"content":"{said}","command":"."}},"timestamp":{stamp},"created":{stamp},'
        f'"headers":{{"Message-ID":"{message_id}"}}}}\n'
        for kind in kinds
    )
