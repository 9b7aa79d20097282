suture_unit_test(trust/minisign LINKS trust base PACKAGES suture_pkg_sodium)
