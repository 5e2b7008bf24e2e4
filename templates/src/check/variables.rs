//! Finds variables that are not defined, and filters and tests that do not exist, by walking the syntax of templates:
//! tera itself takes an undefined variable in a condition for false.

use std::collections::{BTreeMap, BTreeSet};

use tera::ast::{Expr, ExprVal, Forloop, FunctionCall, MacroDefinition, Node};

use super::shapes::Shape;
use crate::engine::Templates;

/// Something a template uses that there is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// What is wrong.
    pub(super) text: String,
    /// How it is written in the template.
    pub(super) written: String,
}

/// A walk through templates with the variables that are defined where it is.
pub(super) struct Walk<'t> {
    engine: Option<&'t Templates>,
    scopes: Vec<BTreeMap<String, Shape>>,
    current: String,
    /// What was found, with the template it is in.
    pub(super) problems: Vec<(String, Problem)>,
    /// The templates walked through.
    pub(super) templates: BTreeSet<String>,
}

impl<'t> Walk<'t> {
    pub(super) fn new(engine: &'t Templates, globals: BTreeMap<String, Shape>) -> Self {
        Self { engine: Some(engine), ..Self::without_templates(globals) }
    }

    pub(super) fn without_templates(globals: BTreeMap<String, Shape>) -> Self {
        let (problems, templates) = (Vec::new(), BTreeSet::new());
        Self { engine: None, scopes: vec![globals], current: String::new(), problems, templates }
    }

    /// Walks through a template and what it includes and imports.
    pub(super) fn template(&mut self, name: &str) {
        let Some(template) = self.engine.and_then(|engine| engine.syntax(name)) else { return };
        let outer = std::mem::replace(&mut self.current, name.to_owned());
        self.templates.insert(name.to_owned());
        for (file, _) in &template.imported_macro_files {
            self.imported(file);
        }
        for definition in template.macros.values() {
            self.definition(definition);
        }
        self.nodes(&template.ast);
        self.current = outer;
    }

    fn imported(&mut self, name: &str) {
        if self.templates.contains(name) {
            return;
        }
        // A file of macros has nothing outside of them.
        let scopes = std::mem::replace(&mut self.scopes, vec![BTreeMap::new()]);
        self.template(name);
        self.scopes = scopes;
    }

    /// A macro sees its arguments only.
    fn definition(&mut self, definition: &MacroDefinition) {
        let arguments = definition.args.keys().map(|name| (name.clone(), Shape::Any)).collect();
        let scopes = std::mem::replace(&mut self.scopes, vec![arguments]);
        self.nodes(&definition.body);
        self.scopes = scopes;
    }

    pub(super) fn nodes(&mut self, nodes: &[Node]) {
        for node in nodes {
            self.node(node);
        }
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::VariableBlock(_, expression) => {
                self.expression(expression);
            }
            Node::Set(_, set) => {
                let shape = self.expression(&set.value);
                let scope = if set.global { self.scopes.first_mut() } else { self.scopes.last_mut() };
                if let Some(scope) = scope {
                    scope.insert(set.key.clone(), shape);
                }
            }
            Node::If(condition, _) => {
                for (_, expression, body) in &condition.conditions {
                    self.expression(expression);
                    self.nodes(body);
                }
                self.nodes(condition.otherwise.as_ref().map(|(_, body)| body.as_slice()).unwrap_or_default());
            }
            Node::Forloop(_, forloop, _) => self.forloop(forloop),
            Node::FilterSection(_, section, _) => {
                self.call("filter", &section.filter);
                self.nodes(&section.body);
            }
            Node::Block(_, block, _) => self.nodes(&block.body),
            Node::MacroDefinition(_, definition, _) => self.definition(definition),
            Node::Include(_, names, _) => {
                let outer = self.current.clone();
                for name in names.iter().filter(|name| **name != outer) {
                    self.template(name);
                }
            }
            Node::Super | Node::Text(_) | Node::Extends(..) | Node::ImportMacro(..) | Node::Raw(..) => {}
            Node::Break(_) | Node::Continue(_) | Node::Comment(..) => {}
        }
    }

    fn forloop(&mut self, forloop: &Forloop) {
        let container = self.expression(&forloop.container);
        let mut scope = BTreeMap::from([("loop".to_owned(), Shape::Any), (forloop.value.clone(), container.element())]);
        if let Some(key) = &forloop.key {
            scope.insert(key.clone(), Shape::Plain);
        }
        self.scopes.push(scope);
        self.nodes(&forloop.body);
        self.scopes.pop();
        self.nodes(forloop.empty_body.as_deref().unwrap_or_default());
    }

    /// What is known of an expression's value.
    fn expression(&mut self, expression: &Expr) -> Shape {
        let mut shape = match &expression.val {
            // `default` is there for what is not defined.
            ExprVal::Ident(path) if expression.has_default_filter() => self.lookup(path).unwrap_or(Shape::Any),
            value => self.value(value),
        };
        for filter in &expression.filters {
            self.call("filter", filter);
            shape = match filter.name.as_str() {
                "version_sort" | "sort" | "filter" | "unique" | "reverse" | "slice" | "default" => shape,
                "concat" => {
                    if matches!(&shape, Shape::List(element) if **element != Shape::Any) {
                        shape
                    } else {
                        Shape::Any
                    }
                }
                "first" | "last" | "nth" => shape.element(),
                _ => Shape::Any,
            };
        }
        shape
    }

    fn value(&mut self, value: &ExprVal) -> Shape {
        match value {
            ExprVal::Ident(path) => {
                if let Some(shape) = self.lookup(path) {
                    return shape;
                }
                self.problem(format!("`{path}` is not defined"), path);
                Shape::Any
            }
            ExprVal::Math(math) => {
                self.expression(&math.lhs);
                self.expression(&math.rhs);
                Shape::Plain
            }
            ExprVal::Logic(logic) => {
                self.expression(&logic.lhs);
                self.expression(&logic.rhs);
                Shape::Plain
            }
            ExprVal::In(within) => {
                self.expression(&within.lhs);
                self.expression(&within.rhs);
                Shape::Plain
            }
            ExprVal::Test(test) => {
                self.exists("test", &test.name);
                if !["defined", "undefined"].contains(&test.name.as_str()) && self.lookup(&test.ident).is_none() {
                    self.problem(format!("`{}` is not defined", test.ident), &test.ident);
                }
                for argument in &test.args {
                    self.expression(argument);
                }
                Shape::Plain
            }
            ExprVal::MacroCall(call) => {
                for argument in call.args.values() {
                    self.expression(argument);
                }
                Shape::Plain
            }
            ExprVal::FunctionCall(call) => {
                self.call("function", call);
                Shape::Any
            }
            ExprVal::Array(items) => {
                let mut shapes = items.iter().map(|item| self.expression(item)).collect::<Vec<_>>().into_iter();
                let first = shapes.next().unwrap_or(Shape::Any);
                let alike = shapes.all(|shape| shape == first);
                Shape::List(Box::new(if alike { first } else { Shape::Any }))
            }
            ExprVal::StringConcat(concat) => {
                for value in &concat.values {
                    self.value(value);
                }
                Shape::Plain
            }
            ExprVal::String(_) | ExprVal::Int(_) | ExprVal::Float(_) | ExprVal::Bool(_) => Shape::Plain,
        }
    }

    fn call(&mut self, kind: &str, call: &FunctionCall) {
        self.exists(kind, &call.name);
        for argument in call.args.values() {
            self.expression(argument);
        }
    }

    fn exists(&mut self, kind: &str, name: &str) {
        if self.engine.is_some_and(|engine| !engine.has(kind, name)) {
            self.problem(format!("there is no {kind} `{name}`"), name);
        }
    }

    /// The value at `a.b["c"].0`; `None` if there is none.
    fn lookup(&mut self, path: &str) -> Option<Shape> {
        let mut parts = steps(path).into_iter();
        let Step::Name(root) = parts.next()? else { return None };
        if root == "__tera_context" {
            return Some(Shape::Any);
        }
        let mut shape = self.scopes.iter().rev().find_map(|scope| scope.get(&root)).cloned()?;
        for part in parts {
            shape = match (&shape, part) {
                (Shape::Any, _) => Shape::Any,
                (Shape::Record(fields), Step::Name(name)) => fields.get(&name)?.clone(),
                (Shape::Record(_), Step::Variable) => Shape::Any,
                (Shape::List(element), Step::Name(name)) if name.parse::<usize>().is_ok() => (**element).clone(),
                (Shape::List(element), Step::Variable) => (**element).clone(),
                (Shape::Plain | Shape::List(_), _) => return None,
            };
        }
        Some(shape)
    }

    fn problem(&mut self, text: String, written: &str) {
        self.problems.push((self.current.clone(), Problem { text, written: written.to_owned() }));
    }
}

enum Step {
    Name(String),
    /// In brackets, without quotes: one of the list, or some field.
    Variable,
}

fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        rest = rest.trim_start_matches('.');
        if let Some((inner, after)) = rest.strip_prefix('[').and_then(|inside| inside.split_once(']')) {
            let quoted = inner.trim_matches(['"', '\'', '`']);
            let name = quoted.len() < inner.len() || inner.parse::<usize>().is_ok();
            steps.push(if name { Step::Name(quoted.to_owned()) } else { Step::Variable });
            rest = after;
            continue;
        }
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        steps.push(Step::Name(name.to_owned()));
        rest = after;
    }
    steps
}

/// ` (line 12)`, where a template has what a problem is about.
pub(super) fn line_of(source: &str, problem: &Problem) -> String {
    let line = source.lines().position(|line| line.contains(&problem.written));
    line.map(|line| format!(" (line {})", line + 1)).unwrap_or_default()
}
