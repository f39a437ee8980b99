"""How fast the networks answer and train, always as ratios within one interleaved sequence.

Milliseconds of a busy computer say little; what two programs take in turns on it compares them.
"""
