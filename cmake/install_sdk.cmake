# What programs in C++ and C build against (docs/CPP.md): headers, the static library, a CMake package, a pkg-config file.
# The wheel has it in hpe_edge/sdk/, `cmake --install` puts it straight below the prefix, with the models beside it. The
# package finds everything by its own place, so that the whole may be moved.
include(CMakePackageConfigHelpers)

if(SKBUILD)
  set(sdk hpe_edge/sdk/)
  set(component python)
else()
  set(sdk "")  # not ".", by which CMake would miscount the levels up to the prefix
  set(component sdk)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/hpe_edge/models/ DESTINATION share/hpe_edge/models COMPONENT sdk
          FILES_MATCHING PATTERN *.json PATTERN *.safetensors PATTERN __pycache__ EXCLUDE)
endif()
set(package ${sdk}lib/cmake/hpe_edge)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/src_cpp/include/ DESTINATION ${sdk}include COMPONENT ${component})
install(TARGETS hpe_core EXPORT hpe_edge ARCHIVE DESTINATION ${sdk}lib COMPONENT ${component}
        INCLUDES DESTINATION ${sdk}include)
install(EXPORT hpe_edge NAMESPACE hpe_edge:: FILE hpe_edge-targets.cmake DESTINATION ${package} COMPONENT ${component})

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/hpe_edge-config.cmake.in ${PROJECT_BINARY_DIR}/hpe_edge-config.cmake
                              INSTALL_DESTINATION ${package} NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/hpe_edge-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/hpe_edge-config.cmake ${PROJECT_BINARY_DIR}/hpe_edge-config-version.cmake
        DESTINATION ${package} COMPONENT ${component})

if(APPLE)
  set(HPE_CXX_RUNTIME -lc++)
else()
  set(HPE_CXX_RUNTIME -lstdc++)
endif()
configure_file(${CMAKE_CURRENT_LIST_DIR}/hpe_edge.pc.in ${PROJECT_BINARY_DIR}/hpe_edge.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/hpe_edge.pc DESTINATION ${sdk}lib/pkgconfig COMPONENT ${component})
