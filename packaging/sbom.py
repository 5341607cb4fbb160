#!/usr/bin/env python3
"""
sbom.py - the software bill of materials of a release, CycloneDX 1.6, JSON.

  sbom.py ARCHIVE VERSION TIMESTAMP

The archive, and the libraries that it is built with, in the versions that are
here. Nothing is copied into the source, so these are all.
The same archive with the same libraries makes the same bytes. It is checked
against the standard's schema before it is printed.
"""

import datetime
import hashlib
import subprocess
import sys
import uuid

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

# pkg-config's name, the licence (SPDX), and if it is only for what can be left out: the agent, the authority
LIBRARIES = (
    ("inih", "BSD-3-Clause", False),
    ("json-c", "MIT", False),
    ("libcrypto", "Apache-2.0", False),
    ("libcurl", "curl", False),
    ("libpcsclite", "BSD-3-Clause", False),
    ("libssl", "Apache-2.0", False),
    ("p11-kit-1", "BSD-3-Clause", False),
    ("libmicrohttpd", "LGPL-2.1-or-later", True),
    ("libpq", "PostgreSQL", True),
    ("sqlite3", "blessing", True),
    ("uthash", "BSD-1-Clause", False),
)


def output_of(*command, text=None):
    return subprocess.run(command, input=text, check=True, text=True, stdout=subprocess.PIPE).stdout.split()


# uthash is a header alone, which pkg-config does not know.
def version_of(name):
    if name == "uthash":
        return output_of("cc", "-E", "-P", "-x", "c", "-", text="#include <uthash.h>\nUTHASH_VERSION\n")[-1]
    return output_of("pkg-config", "--modversion", name)[0]


def library(name, license_id, optional):
    return Component(type=ComponentType.LIBRARY, name=name, version=version_of(name), bom_ref=name,
                     licenses=[DisjunctiveLicense(id=license_id)],
                     scope=ComponentScope.OPTIONAL if optional else ComponentScope.REQUIRED)


def bill(archive, version, timestamp):
    with open(archive, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    product = Component(type=ComponentType.APPLICATION, name="twcard", version=version, bom_ref="twcard",
                        licenses=[DisjunctiveLicense(id="BSD-2-Clause")],
                        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)])
    libraries = [library(*row) for row in LIBRARIES]
    bom = Bom(components=libraries, serial_number=uuid.uuid5(uuid.NAMESPACE_OID, digest))
    bom.metadata.component = product
    bom.metadata.timestamp = datetime.datetime.fromtimestamp(timestamp, datetime.timezone.utc)
    bom.register_dependency(product, libraries)
    return JsonV1Dot6(bom).output_as_string(indent=2)


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__.strip())
    text = bill(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if wrong:
        sys.exit(f"sbom.py: this is not what the schema wants: {wrong}")
    print(text)


main()
