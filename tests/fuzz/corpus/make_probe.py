#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the corpus of the target `probe`: answers of real servers, what else answers on a port, and
reports. The first byte is an enum probe_check (src/net/probe.h), the second step and transport."""

import pathlib
import re
import struct

TOP = pathlib.Path(__file__).resolve().parents[3]
FOLDER = pathlib.Path(__file__).resolve().parent / "probe"
CHECKS = re.findall(r"^\tPROBE_([A-Z0-9_]+),", (TOP / "src/net/probe.h").read_text().partition(
    "enum probe_check {")[2].partition("};")[0], re.M)
NONCE = b"LZPROBE\0"
TCP, SECOND, UDP = 0, 1, 2


def seed(name, check, how, data):
    (FOLDER / name).write_bytes(bytes((CHECKS.index(check), how)) + data)


FOLDER.mkdir(exist_ok=True)
seed("ssh", "SSH", TCP, b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")
seed("ssh-late", "SSH", TCP, b"some words\r\nSSH-2.0-x\r\n")
seed("ssh-or-http", "SSH_OR_HTTP", TCP, b"HTTP/1.1 200 OK\r\n\r\n")
seed("ssh-or-tls", "SSH_OR_HTTP", TCP, b"\x15\x03\x01\x00\x02\x02\x46")
seed("smtp", "SMTP", TCP, b"220-a\r\n220 mail.example ESMTP\r\n")
seed("smtp-ehlo", "SMTP", SECOND, b"250-mail.example\r\n250-STARTTLS\r\n250 8BITMIME\r\n")
seed("smtp-short", "SMTP", TCP, b"220-\n220")
seed("ftp", "SMTP", SECOND, b"500 what?\r\n")
seed("pop3", "POP3", TCP, b"+OK ready\r\n")
seed("imap", "IMAP", TCP, b"* PREAUTH ready\r\n")
seed("dns", "DNS", UDP, b"LZ\x81\x80\0\1\0\1\0\0\0\0\0\0\2\0\1\0\0\2\0\1\0\0\0\x3c\0\3\1a\0")
seed("dns-tcp", "DNS", TCP, b"\0\x11LZ\x81\x80\0\1\0\0\0\0\0\0\0\0\2\0\1")
seed("dns-refused", "DNS", UDP, b"LZ\x81\x85\0\1\0\0\0\0\0\0\0\0\2\0\1")
seed("dns-addresses", "DNS", UDP,
     b"LZ\x81\x80\0\1\0\2\0\0\0\0\3www\7example\0\0\1\0\1"
     b"\xc0\x0c\0\5\0\1\0\0\0\x3c\0\2\xc0\x0c\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc6\x33\x64\x0a")
seed("dns-pointer", "DNS", UDP, b"LZ\x81\x80\0\1\xff\xff\0\0\0\0\xc0\x0c\0\1\0\1")
seed("ntp", "NTP", UDP, b"\x24\x02" + bytes(22) + NONCE + bytes(16))
seed("ntp-deny", "NTP", UDP, b"\xe4\x00" + bytes(10) + b"DENY" + bytes(8) + NONCE + bytes(16))
seed("snmp", "SNMP", UDP, bytes.fromhex("301302010330 0e02024c5a 020300ffe3 040100 0201"))
seed("snmp-long", "SNMP", UDP, bytes.fromhex("3082ffff0201033081ff"))
seed("nrpe", "NRPE", TCP, struct.pack(">HHIH", 2, 2, 0x6a31177f, 0) + b"NRPE v4.1.0" + bytes(1015))
seed("relp", "RELP", TCP, b"1 rsp 92 200 OK\nrelp_version=0\n")
seed("relp-error", "RELP", TCP, b"1 rsp 9 500 error\n")
seed("rdp", "RDP", TCP, bytes.fromhex("030000130ed000001234000200080002000000"))
seed("ica", "ICA", TCP, b"\x7f\x7fICA\0")
seed("ica-browse", "ICA_BROWSE", UDP, bytes.fromhex("3000023102fda8e30200"))
seed("rfb", "RFB", TCP, b"RFB 003.008\n")
seed("rfb-security", "RFB", SECOND, b"\x02\x02\x13")
seed("stun", "STUN", UDP, bytes.fromhex("010100002112a442") + NONCE + bytes(4))
seed("syslog", "SYSLOG", TCP, b"what?\n")
seed("tls", "RELP", TCP, bytes.fromhex("15030300020228"))
seed("report", "RESOLVE", TCP, struct.pack(">BII", 0, 12, 4) + b"fine" + b"\x01\x02" + bytes(16))
seed("report-wrong", "RESOLVE", TCP, struct.pack(">BII", 9, 12, 4) + b"fine" + b"\xff")
seed("job", "RESOLVE", TCP, b"\x01\x0f\x06\x02" + bytes(16) + b"\0\x35" + struct.pack(">I", 1) + b"a"
     + struct.pack(">IIII", 0, 1, 1, 500) + b"\0\0")
