"""What the facilitator sees: the board, the digest. It reads the rooms and owns no tables.

Never: journals, sealed answers, who kept or passed, open taps, read times, rankings.
"""
