"""Sources: from microphones, files, the network and pages to chunks of audio."""
