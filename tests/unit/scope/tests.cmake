suture_unit_test(scope/scope LINKS scope arch base)
