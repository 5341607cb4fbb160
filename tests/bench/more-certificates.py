#!/usr/bin/env python3
"""more-certificates.py - a virtual card with another number of certificates.

    more-certificates.py IMAGE COUNT OUT [CA-KEY]

With fewer than the card has, the holder's stay first. More are issued by its CA (CA-KEY: what
`twcard-virtual create --ca-key` wrote) for a key of their own, and lie in files of sixteen each:
READ BINARY reaches 32 KiB.
"""

import pathlib
import subprocess
import sys
import tempfile

from card_image import Image, children, element

A_FILE, SLOT, FIRST_FILE = 16, 0x700, 0x0A01
ORDER = (2, 3, 1, 0)  # what stays, when not all do: SIGN, KEYX, the CA, the root


def der(tag, *parts):
    content = b"".join(parts)
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8 or 1, "big")
    head = bytes([len(content)]) if len(content) < 0x80 else bytes([0x80 | len(size)]) + size
    return bytes([tag]) + head + content


def integer(tag, value):
    return der(tag, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def certificate_names(certificate):
    """Serial number, issuer and subject, whole."""
    _, start, _ = element(certificate)
    _, start, end = element(certificate, start)
    parts = [certificate[first:stop] for _, first, _, stop in children(certificate, start, end)]
    return parts[1], parts[3], parts[5]


def record(number, path, index, certificate):
    serial, issuer, subject = certificate_names(certificate)
    name = f"more{number}".encode()
    place = der(0x30, der(0x04, path), integer(0x02, index), integer(0x80, len(certificate)))
    return der(0x30, der(0x30, der(0x0C, name), der(0x03, b"\x06\x40")), der(0x30, der(0x04, name)),
               der(0xA1, der(0x30, place, subject, der(0xA0, issuer), serial)))


def openssl(*args, data=None):
    return subprocess.run(["openssl", *args], input=data, check=True, capture_output=True).stdout


def issue(count, image, ca_key):
    """DER certificates of the card's CA."""
    ca = image.content("5030/08F2")[SLOT:]
    with tempfile.TemporaryDirectory() as folder:
        at = pathlib.Path(folder)
        (at / "ca.der").write_bytes(ca[:element(ca)[2]])
        (at / "key").write_bytes(openssl("genrsa", "2048"))
        (at / "public").write_bytes(openssl("rsa", "-in", at / "key", "-pubout"))
        (at / "ext").write_text("keyUsage = critical, digitalSignature\n")
        return [openssl("x509", "-new", "-subj", f"/C=TW/CN=certificate {i}/serialNumber={i:016}",
                        "-force_pubkey", at / "public", "-CA", at / "ca.der", "-CAkey", ca_key, "-days", "1000",
                        "-set_serial", str(1000 + i), "-extfile", at / "ext", "-outform", "DER")
                for i in range(count)]


def main():
    name, count, out, *rest = sys.argv[1:]
    image, count = Image(name), int(count)
    records = image.directory("5030/4104")
    if count < len(records):
        records = [records[i] for i in sorted(ORDER[:count])]
    root = bytes.fromhex(image.root) + bytes.fromhex("5030")
    for i, certificate in enumerate(issue(max(0, count - len(records)), image, *rest)):
        file, place = FIRST_FILE + i // A_FILE, i % A_FILE * SLOT
        path = f"5030/{file:04X}"
        content = image.content(path) if image.entry(path) else b""
        image.put(path, content.ljust(place, b"\0") + certificate)
        records.append(record(i, root + file.to_bytes(2, "big"), place, certificate))
    image.put_directory("5030/4104", records)
    image.save(out)


if __name__ == "__main__":
    main()
