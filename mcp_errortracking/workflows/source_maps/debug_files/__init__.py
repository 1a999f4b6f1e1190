"""Debug files of native apps: dSYM bundles of Apple's platforms, ELF and Mach-O files."""
