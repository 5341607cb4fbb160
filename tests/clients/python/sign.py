#!/usr/bin/env python3
"""sign.py MODULE FILE SIGNATURE: signs a file with the card in the first reader that has one.

The PIN is a line of standard input.
"""
import sys

import PyKCS11
from PyKCS11 import LowLevel as ck

lib = PyKCS11.PyKCS11Lib()
lib.load(sys.argv[1])
slots = lib.getSlotList(tokenPresent=True)
if not slots:
    sys.exit("no card is in a reader")
session = lib.openSession(slots[0])
session.login(sys.stdin.readline().strip())
# By ID: two private keys may have the same label.
key = session.findObjects([(ck.CKA_CLASS, ck.CKO_PRIVATE_KEY), (ck.CKA_ID, tuple(b"SIGN"))])[0]
with open(sys.argv[2], "rb") as message:
    signature = session.sign(key, message.read(), PyKCS11.Mechanism(ck.CKM_SHA256_RSA_PKCS))
with open(sys.argv[3], "wb") as out:
    out.write(bytes(signature))
session.logout()
