suture_unit_test(trampoline/commit LINKS trampoline)
suture_unit_test(trampoline/live LINKS trampoline)
suture_unit_test(trampoline/coverage LINKS trampoline)
suture_unit_test(trampoline/plan LINKS trampoline)
