#include "hpe/network.hpp"

#include <pybind11/stl.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bindings/arrays.hpp"
#include "bindings/bindings.hpp"

namespace py = pybind11;

namespace hpe::bindings {
namespace {

// A network with the workspaces of the calls that are not running: as many as ever ran at once.
class PyNetwork {
  public:
    PyNetwork(const std::string& file, int threads)
        : network_(std::as_bytes(std::span(file)), active_isa()), threads_(threads) {
        constexpr int kMostThreads = 256;
        if (threads < 1 || threads > kMostThreads) {
            throw Error(ErrorKind::InvalidArgument, "threads: expected 1 to " + std::to_string(kMostThreads) + ", got " +
                                                        std::to_string(threads));
        }
    }

    [[nodiscard]] const Network& network() const { return network_; }

    py::dict run(py::handle batch) {
        const auto input = require_batch(batch);
        const py::ssize_t count = input.shape(0);
        py::dict result;
        std::vector<std::span<float>> outputs;
        for (const TensorInfo& info : network_.outputs()) {
            std::vector<py::ssize_t> shape{count};
            shape.insert(shape.end(), info.shape.begin(), info.shape.end());
            py::array_t<float> array(shape);
            outputs.push_back(view(array));
            result[py::str(info.name)] = array;
        }
        {
            const py::gil_scoped_release unlocked;
            share(view(input), static_cast<std::size_t>(count), outputs);
        }
        return result;
    }

  private:
    using Workspace = std::unique_ptr<Network::Workspace>;

    DenseArray<float> require_batch(py::handle batch) const {
        const std::vector<int>& shape = network_.input().shape;
        if (shape.size() != 3) {
            throw Error(ErrorKind::InvalidArgument, "network: expected an input of rank 3, got rank " + std::to_string(shape.size()));
        }
        return require_array<float>(batch, "batch", {"N", shape[0], shape[1], shape[2]});
    }

    // Threads take the next image until none is left. They live for one call: starting one costs a tenth of an image.
    void share(std::span<const float> input, std::size_t images, const std::vector<std::span<float>>& outputs) {
        std::atomic<std::size_t> next{0};
        const auto work = [&](Network::Workspace& workspace) {
            for (std::size_t i = next++; i < images; i = next++) run_one(input, images, i, outputs, workspace);
        };
        std::vector<Workspace> workspaces;
        const std::size_t threads = std::min(static_cast<std::size_t>(threads_), images);
        for (std::size_t t = 0; t < threads; ++t) workspaces.push_back(take());
        std::vector<std::jthread> helpers;
        for (std::size_t t = 1; t < threads; ++t) helpers.emplace_back([&, t] { work(*workspaces[t]); });
        if (threads > 0) work(*workspaces[0]);
        helpers.clear();  // waits for all
        for (Workspace& workspace : workspaces) give_back(std::move(workspace));
    }

    void run_one(std::span<const float> input, std::size_t images, std::size_t image,
                 const std::vector<std::span<float>>& outputs, Network::Workspace& workspace) const {
        const auto part = [&](auto all) { return all.subspan(image * (all.size() / images), all.size() / images); };
        std::vector<std::span<float>> parts;
        for (const std::span<float> output : outputs) parts.push_back(part(output));
        network_.run(part(input), parts, workspace);
    }

    Workspace take() {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            if (!idle_.empty()) {
                Workspace workspace = std::move(idle_.back());
                idle_.pop_back();
                return workspace;
            }
        }
        return std::make_unique<Network::Workspace>(network_);
    }

    void give_back(Workspace workspace) {
        const std::lock_guard<std::mutex> lock(mutex_);
        idle_.push_back(std::move(workspace));
    }

    Network network_;
    int threads_;
    std::mutex mutex_;
    std::vector<Workspace> idle_;
};

py::dict shapes(const std::vector<TensorInfo>& tensors) {
    py::dict result;
    for (const TensorInfo& tensor : tensors) result[py::str(tensor.name)] = py::tuple(py::cast(tensor.shape));
    return result;
}

std::vector<std::pair<std::string, double>> profile(const PyNetwork& self, int repeats) {
    std::vector<std::pair<std::string, double>> times;
    for (const Network::StepTime& step : self.network().profile(repeats)) times.emplace_back(step.name, step.median_us);
    return times;
}

}  // namespace

void register_network(py::module_& module) {
    // an ordinary type, for it has no static properties: the stub says the same
    py::class_<PyNetwork>(module, "Network", py::metaclass(reinterpret_cast<PyObject*>(&PyType_Type)),
                          "A network file, planned for this machine.")
        .def(py::init([](const py::bytes& file, int threads) {
                 return std::make_unique<PyNetwork>(std::string(file), threads);
             }),
             py::arg("file"), py::arg("threads") = 1)
        .def("run", &PyNetwork::run, py::arg("batch"), "Raw outputs by name: float32 (N, ...).")
        .def("profile", &profile, py::arg("repeats"), py::call_guard<py::gil_scoped_release>(),
             "Name and median microseconds of every step.")
        .def_property_readonly("input_name", [](const PyNetwork& self) { return self.network().input().name; })
        .def_property_readonly("input_shape",
                               [](const PyNetwork& self) { return py::tuple(py::cast(self.network().input().shape)); })
        .def_property_readonly("outputs", [](const PyNetwork& self) { return shapes(self.network().outputs()); })
        .def_property_readonly("isa", [](const PyNetwork& self) { return std::string(isa_name(self.network().isa())); })
        .def_property_readonly("workspace_bytes", [](const PyNetwork& self) { return self.network().workspace_bytes(); })
        .def_property_readonly("weight_bytes", [](const PyNetwork& self) { return self.network().weight_bytes(); });
}

}  // namespace hpe::bindings
