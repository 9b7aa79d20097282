suture_unit_test(tools/words LINKS cli base)
suture_unit_test(tools/target LINKS cli base)
suture_unit_test(tools/seccomp LINKS cli base)
