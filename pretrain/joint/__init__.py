"""Networks trained together with their heads: the systems of Joint Representation (Luo et al. 2018)."""
