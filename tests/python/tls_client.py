"""Echoes over TLS as a user, with pynetdicom. Usage: tls_client.py HOST PORT CA_FILE USER PASSWORD"""

import ssl
import sys

from pynetdicom import AE
from pynetdicom.pdu_primitives import UserIdentityNegotiation
from pynetdicom.sop_class import Verification

from requestor import only_asks

host, port, authority, user, password = sys.argv[1], int(sys.argv[2]), *sys.argv[3:6]

context = ssl.create_default_context(cafile=authority)
context.minimum_version = ssl.TLSVersion.TLSv1_3


def associate(identity, tls=True):
    ae = AE(ae_title="CT1")
    ae.add_requested_context(Verification)
    arguments = {"tls_args": (context, "localhost")} if tls else {}
    return only_asks(ae.associate(host, port, ae_title="SEN", ext_neg=identity, **arguments))


def named(kind, passcode=None):
    identity = UserIdentityNegotiation()
    identity.user_identity_type = kind
    identity.positive_response_requested = True
    identity.primary_field = user.encode()
    if passcode is not None:
        identity.secondary_field = passcode.encode()
    return [identity]


association = associate(named(2, password))
assert association.is_established, "the right password was refused"
assert association.send_c_echo().Status == 0x0000
assert any(isinstance(item, UserIdentityNegotiation) for item in association.acceptor.user_information), "no answer"
association.release()

for refused in [associate([]), associate(named(1)), associate(named(2, "wrong")), associate(named(2, password), tls=False)]:
    assert not refused.is_established, "who did not show what has to be shown was let in"
