"""Associations of scripts that only ask: every answer reaches the script, and a failed one ends at once.

A thread of pynetdicom looks for requests of the peer, and pauses while the script waits for an answer. On a busy machine
it looks once more after it said that it pauses, and what it takes then is lost: a query finds one study less than
there are.
"""

import os
import sys
import traceback


def only_asks(association):
    """Keeps pynetdicom's thread from taking messages; not for an association on which the peer asks for something."""
    take = association.dimse.get_msg
    association.dimse.get_msg = lambda block=False: take(block=True) if block else (None, None)
    return association


def end_at_once(kind, error, trace):
    """Otherwise open associations keep a failed script for as long as their timeout, a minute."""
    traceback.print_exception(kind, error, trace)
    sys.stderr.flush()
    os._exit(1)


sys.excepthook = end_at_once
