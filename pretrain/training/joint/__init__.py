"""Networks trained together with their heads: the systems of Joint Representation (Luo et al. 2018).

What trains them is behind :mod:`.trainer`; what compares them, the paper's report, behind :mod:`.runs`.
"""
