suture_unit_test(image/image LINKS image arch base)
target_link_options(unit_image_image PRIVATE -rdynamic)
