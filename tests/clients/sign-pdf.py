#!/usr/bin/env python3
"""Has a running LibreOffice make a PDF and sign it with the first certificate that has a key.

sign-pdf.py PIPE FILE: the name of its pipe (soffice --accept=pipe,name=PIPE;urp;). LibreOffice asks
for the PIN in a window of its own when the certificates are looked for.
"""
import sys
import time

import uno
from com.sun.star.beans import PropertyValue

LIMIT_S = 300


def connect(pipe):
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
    end = time.monotonic() + LIMIT_S
    while True:
        try:
            return resolver.resolve("uno:pipe,name=%s;urp;StarOffice.ComponentContext" % pipe)
        except uno.getClass("com.sun.star.connection.NoConnectException"):
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def value(name, content):
    result = PropertyValue()
    result.Name, result.Value = name, content
    return result


def main():
    pipe, path = sys.argv[1:]
    office = connect(pipe)
    service = office.ServiceManager.createInstanceWithContext
    security = service("com.sun.star.xml.crypto.SEInitializer", office).createSecurityContext("")
    certificates = security.getSecurityEnvironment().getPersonalCertificates()
    if not certificates:
        sys.exit("no certificate that has a key")
    print("signer", certificates[0].SubjectName, flush=True)
    desktop = service("com.sun.star.frame.Desktop", office)
    document = desktop.loadComponentFromURL("private:factory/swriter", "_blank", 0, ())
    document.Text.setString("A page to sign.")
    options = uno.Any("[]com.sun.star.beans.PropertyValue",
                      (value("SignPDF", True), value("SignatureCertificate", certificates[0])))
    document.storeToURL(uno.systemPathToFileUrl(path),
                        (value("FilterName", "writer_pdf_Export"), value("FilterData", options)))
    print("signed", path, flush=True)
    document.close(True)


main()
