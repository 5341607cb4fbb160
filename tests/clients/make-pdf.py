#!/usr/bin/env python3
"""make-pdf.py make FILE: a PDF of one page. make-pdf.py take FILE SIGNATURE SIGNED: out of a signed
PDF its last signature (CMS) and the bytes that it is over, for openssl."""
import re
import sys

OBJECTS = [
    b"<< /Type /Catalog /Pages 2 0 R >>",
    b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
    b"<< /Length 44 >>\nstream\nBT /F1 24 Tf 72 720 Td (A page to sign.) Tj ET\nendstream",
    b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
]


def make(path):
    out, places = b"%PDF-1.7\n", []
    for number, body in enumerate(OBJECTS, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(places) + 1, start)
    with open(path, "wb") as file:
        file.write(out)


def take(path, signature, signed):
    data = open(path, "rb").read()
    ranges = re.findall(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]", data)
    a, b, c, d = map(int, ranges[-1])
    der = bytes.fromhex(data[a + b:c].strip().strip(b"<>").decode())
    with open(signature, "wb") as file:
        file.write(der)
    with open(signed, "wb") as file:
        file.write(data[a:a + b] + data[c:c + d])


{"make": make, "take": take}[sys.argv[1]](*sys.argv[2:])
