"""What extraction shows of a turn: an assistant's long answer in excerpts, and pasted text as what it is.

Every excerpt consists of verbatim pieces of the turn in their order, with marks between them, so that a quote copied
from a piece is found in the turn.
"""
