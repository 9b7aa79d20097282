# What `cmake --install` puts where, find_package(suture CONFIG), pkg-config, and the .deb (CPack).
#
# The agent's soname carries no version: the same file is preloaded, attached and linked, and is known
# to itself by that name. What a program may rely on is kept by the versions of its symbols.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/suture)

set_target_properties(suture PROPERTIES EXPORT_NAME agent)
target_include_directories(suture INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
add_library(suture::agent ALIAS suture)

install(TARGETS suture EXPORT sutureTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS suture_tool suture-build RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY include/suture DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

install(EXPORT sutureTargets NAMESPACE suture:: DESTINATION ${package_dir})
configure_package_config_file(cmake/sutureConfig.cmake.in ${CMAKE_BINARY_DIR}/sutureConfig.cmake
  INSTALL_DESTINATION ${package_dir} PATH_VARS CMAKE_INSTALL_BINDIR)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/sutureConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/sutureConfig.cmake ${CMAKE_BINARY_DIR}/sutureConfigVersion.cmake
              cmake/SutureEnable.cmake
        DESTINATION ${package_dir})
file(RELATIVE_PATH PREFIX_FROM_PC /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/suture.pc.in ${CMAKE_BINARY_DIR}/suture.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/suture.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# Completion asks the tool itself, so that it never lags behind.
file(WRITE ${CMAKE_BINARY_DIR}/completion/suture "eval \"$(suture completion bash)\"\n")
install(FILES ${CMAKE_BINARY_DIR}/completion/suture
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}
        FILES_MATCHING PATTERN "*.md" PATTERN "*.svg" PATTERN "*.schema.json" PATTERN man EXCLUDE)

set(CPACK_PACKAGE_NAME suture)
set(CPACK_PACKAGE_VENDOR "Suture")
set(CPACK_PACKAGE_CONTACT "Suture maintainers <maintainers@suture.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "live patching of native servers while they run")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Suture replaces functions of a running native program: a diff becomes a patch,
an agent in the process puts it in while no thread is inside the old code, and
one command takes it out again. Connections stay, memory stays.")
set(CPACK_PACKAGE_INSTALL_DIRECTORY /usr)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_GENERATOR DEB)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Building a patch takes the compiler of the program that it is for.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "gcc | clang, binutils, patch")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "bear, gdb")
include(CPack)
