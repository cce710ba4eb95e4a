"""A real DNS server on this machine: it answers packets over UDP from a few records."""

import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

Zone = Mapping[str, Sequence[tuple[str, str]] | str]
"""By name: records as type and text, such as ("CNAME", "example.com."); or what the server fails with: "SERVFAIL"."""


@contextmanager
def serve(zone: Zone) -> Iterator[str]:
    """The server's address as `--resolver` takes it. A name that is not in the zone does not exist."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=_answer_all, args=(listener, zone))
        thread.start()
        try:
            yield "{}:{}".format(*listener.getsockname())
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", listener.getsockname())
            thread.join()


def _answer_all(listener: socket.socket, zone: Zone) -> None:
    """Until an empty packet comes."""
    while True:
        packet, client = listener.recvfrom(4096)
        if not packet:
            return
        listener.sendto(_answer(dns.message.from_wire(packet), zone).to_wire(), client)


def _answer(query: dns.message.Message, zone: Zone) -> dns.message.Message:
    """As an authoritative server does: an alias is told, but not what lies behind it."""
    response = dns.message.make_response(query)
    response.flags |= dns.flags.AA | dns.flags.RA
    question = query.question[0]
    name = question.name.to_text(omit_final_dot=True)
    records = zone.get(name)
    if records is None:
        response.set_rcode(dns.rcode.NXDOMAIN)
    elif isinstance(records, str):
        response.set_rcode(dns.rcode.from_text(records))
    else:
        wanted = ("CNAME", dns.rdatatype.to_text(question.rdtype))
        for kind in sorted({kind for kind, _ in records} & set(wanted)):
            texts = [text for each, text in records if each == kind]
            response.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *texts))
    return response


def txt(*strings: str) -> tuple[str, str]:
    """One TXT record of these strings."""
    escaped = (string.replace("\\", "\\\\").replace('"', '\\"') for string in strings)
    return "TXT", " ".join(f'"{string}"' for string in escaped)
